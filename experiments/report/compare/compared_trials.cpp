#include "experiments/report/compare/compared_trials.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "experiments/trial/budget.h"
#include "experiments/trial/label.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/trial_config.h"

namespace heed {
namespace {

using results::Column;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const std::string kMissing = "-";  // a number that a trial does not have

// Returns true if a parameter has two values within a group. With may_be_missing, a missing value does not
// count: options of an optimizer are missing in trials of another optimizer.
bool differs_within(const std::vector<std::string>& groups, const std::vector<std::string>& values,
                    bool may_be_missing) {
  std::map<std::string, std::string> first;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (may_be_missing && values[i] == kMissing) continue;
    if (first.insert({groups[i], values[i]}).first->second != values[i]) return true;
  }
  return false;
}

std::vector<std::string> texts_of(const Column& column) {
  std::vector<std::string> out;
  for (const results::Value& v : column.values) out.push_back(value_text(v));
  return out;
}

// Like texts_of, with what trials without the parameter were trained with. A truth value is a number in the
// results if some trials lack it (results/README.md); a missing string is empty there.
std::vector<std::string> parameter_texts(const Column& column) {
  std::vector<std::string> out = texts_of(column);
  const std::string before = value_before(column.parameter);
  if (before == "true" || before == "false") {
    std::ranges::replace(out, "0", "false");
    std::ranges::replace(out, "1", "true");
  }
  const std::string missing = before.empty() ? kMissing : before;
  std::ranges::replace(out, kMissing, missing);
  if (!before.empty() || column.parameter.starts_with("train.")) std::ranges::replace(out, "", missing);
  return out;
}

// A decoder is scored at its last position whatever its pool is.
void hide_pool_of_decoders(const results::Results& results, std::vector<std::string>& pools) {
  const Column* type = results.find("model.type");
  const std::vector<std::string> types =
      type ? parameter_texts(*type) : std::vector<std::string>(pools.size(), to_string(ModelType::decoder));
  for (std::size_t i = 0; i < pools.size(); ++i)
    if (types[i] == to_string(ModelType::decoder)) pools[i] = kMissing;
}

// Returns the name in a slot for each trial. A slot with a stack has no name: then the whole of it, as text.
std::vector<std::string> slot_names(const results::Results& results, const std::string& slot) {
  const Column *name = results.find(slot + ".name"), *stack = results.find(slot);
  if (!name) return stack ? texts_of(*stack) : std::vector<std::string>(results.trial.size());
  std::vector<std::string> out = texts_of(*name);
  for (std::size_t i = 0; stack && i < out.size(); ++i)
    if (out[i].empty()) out[i] = value_text(stack->values[i]);
  return out;
}

// Returns a label of a slot for each trial: the name, and those options that differ between trials with this
// name.
std::vector<std::string> slot_labels(const results::Results& results, const std::string& slot) {
  const std::vector<std::string> names = slot_names(results, slot);
  std::vector<std::vector<std::pair<std::string, std::string>>> shown(names.size());
  for (const Column& column : results.columns) {
    if (!column.parameter.starts_with(slot + '.') || column.parameter == slot + ".name") continue;
    const std::vector<std::string> values = texts_of(column);
    std::map<std::string, std::set<std::string>> used;
    for (std::size_t i = 0; i < names.size(); ++i) used[names[i]].insert(values[i]);
    const std::string option = column.parameter.substr(slot.size() + 1);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (used[names[i]].size() > 1) shown[i].emplace_back(option, values[i]);
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) out.push_back(label(names[i], shown[i]));
  return out;
}

// Returns true if a parameter that differs between trials was swept. Not swept are parameters that a variant,
// its entry in the sweep file, its growth or a budget sets. A swept parameter counts as varying even if each
// variant has only one value so far, because the other trials are still missing.
bool is_of_the_sweep(const std::string& path, bool free_length, bool matched,
                     const std::vector<std::string>& own) {
  if (is_own(path, own)) return false;
  if (path == "train.steps") return !free_length;
  if (path.starts_with("task.") || path.starts_with("train.")) return true;
  const std::string slot = slot_of(path);
  return !matched && path.starts_with("model.") && (slot.empty() || slot == "model.positions");
}

// Returns true if a growth or a budget sets the number of training steps.
bool has_free_length(const results::Results& results, bool matched) {
  return matched || std::any_of(results.columns.begin(), results.columns.end(), [](const Column& c) {
           return c.role == results::Role::parameter && c.parameter.starts_with("grow");
         });
}

// Returns a label of the text for each trial: the file name, or the whole path if two texts have the same
// name. Texts are equal if their contents are, at any path.
std::vector<std::string> text_labels(const std::vector<std::string>& contents,
                                     const std::vector<std::string>& paths) {
  std::map<std::string, std::string> path_of;                // by content, that of the first trial
  std::map<std::string, std::set<std::string>> of_the_name;  // the contents
  const auto file_name = [](const std::string& path) {
    const std::size_t end = path.find_last_not_of('/') + 1, slash = path.rfind('/', end > 0 ? end - 1 : 0);
    return path.substr(slash + 1, end - slash - 1);
  };
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const std::string& path = path_of.insert({contents[i], paths[i]}).first->second;
    of_the_name[file_name(path)].insert(contents[i]);
  }
  std::vector<std::string> labels;
  for (const std::string& content : contents) {
    const std::string& path = path_of[content];
    labels.push_back(of_the_name[file_name(path)].size() > 1 ? path : file_name(path));
  }
  return labels;
}

// Returns true for parameters of the task itself. The axis of test lengths is a column of its own.
bool is_of_task(const std::string& path) {
  return path.starts_with("task.") && path != std::string("task.") + kTestLengthAxis;
}

// Returns true for parameters that follow from the task, unless the file sets them.
bool is_of_type(const std::string& path) { return path == "model.type" || path == "model.pool"; }

// Returns a label of the task for each trial, "mqar(length=64)": the name, and the options that differ
// between trials of this name. Texts are told apart by their paths, and not by the hashes of their contents.
std::vector<std::string> task_labels(const results::Results& results) {
  results::Results tasks;
  tasks.trial = results.trial;
  const Column* content = results.find("task.content");
  for (const Column& c : results.columns) {
    if (c.role != results::Role::parameter || !is_of_task(c.parameter) || &c == content) continue;
    tasks.columns.push_back(c);
    if (c.parameter != "task.path" || !content) continue;
    const std::vector<std::string> files = text_labels(texts_of(*content), texts_of(c));
    tasks.columns.back().values.assign(files.begin(), files.end());
  }
  return slot_labels(tasks, kTasks);
}

// Returns the parameters that vary within a variant; a slot is one parameter. Without the seed (rows average
// over it), plugins (their variants differ already) and parameters that are not part of a trial's id.
std::vector<Varied> varied_parameters(const results::Results& results,
                                      const std::vector<std::string>& variants, bool matched,
                                      const std::vector<std::string>& own, bool tasks) {
  const std::vector<std::string> one_group(variants.size());
  const std::vector<std::string> labels = tasks ? task_labels(results) : one_group;
  std::vector<std::string> rows = variants;  // what follows from variant and task does not vary
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += '\n' + labels[i];
  const bool free_length = has_free_length(results, matched);
  const Column* text = results.find("task.path");
  std::vector<Varied> varied;
  for (const Column& column : results.columns) {
    const std::string &path = column.parameter, slot = tasks && is_of_task(path) ? kTasks : slot_of(path);
    if (column.role != results::Role::parameter || path == "seed" || path == "plugins" ||
        is_outside_of_id(path) || column.varies)
      continue;
    const auto is_there = [&](const Varied& v) { return v.parameter == slot; };
    if (!slot.empty() && std::any_of(varied.begin(), varied.end(), is_there)) continue;
    const bool may_be_missing = path.starts_with("train.") || path == "model.pool";
    std::vector<std::string> values = parameter_texts(column);
    if (path == "model.pool") hide_pool_of_decoders(results, values);
    const bool of_sweep = is_of_the_sweep(path, free_length, matched, own) && !(tasks && is_of_type(path));
    if (!differs_within(of_sweep ? one_group : rows, values, may_be_missing)) continue;
    if (slot == kTasks)
      varied.push_back({slot, slot, labels});
    else if (path == "task.content" && text)
      varied.push_back({text->name, text->parameter, text_labels(values, texts_of(*text))});
    else if (slot.empty())
      varied.push_back({column.name, path, std::move(values)});
    else
      varied.push_back({slot, slot, slot_labels(results, slot)});
  }
  return varied;
}

// Returns the column with the mismatch of the budget, or null if no budget was matched.
const Column* mismatch_of(const results::Results& results) {
  const auto at = std::find_if(results.columns.begin(), results.columns.end(), [](const Column& c) {
    return c.role == results::Role::metric && c.name.ends_with(kMismatch);
  });
  return at == results.columns.end() ? nullptr : &*at;
}

}  // namespace

std::string value_text(const results::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  const double number = std::get<double>(value);
  return std::isnan(number) ? kMissing : fmt::format("{}", number);
}

std::string slot_of(const std::string& parameter) {
  for (const char* slot :
       {"model.positions", "model.feed_forward", "model.encoder_attention", "model.cross_attention"})
    if (parameter == slot || parameter.starts_with(std::string(slot) + '.')) return slot;
  return "";
}

bool is_own(const std::string& parameter, const std::vector<std::string>& own) {
  const std::string slot = slot_of(parameter);
  return std::ranges::find(own, slot.empty() ? parameter : slot) != own.end();
}

std::vector<std::string> shown_values(const results::Results& results, const std::string& path) {
  if (!slot_of(path).empty()) return slot_labels(results, path);
  const Column* column = results.find(path);
  return column ? parameter_texts(*column) : std::vector<std::string>(results.trial.size(), kMissing);
}

const results::Column& find_column(const results::Results& results, const std::string& name,
                                   const char* what) {
  const auto role = std::string(what) == "metric" ? results::Role::metric : results::Role::parameter;
  if (const Column* column = results.find(name); column && column->role == role) return *column;
  std::vector<std::string> known;
  for (const Column& c : results.columns)
    if (c.role == role) known.push_back(c.name);
  throw Error(fmt::format("the results have no {} '{}'.{}", what, name, suggestion(name, known)));
}

Trials::Trials(const results::Results& results, const CompareOptions& options)
    : variant(results.texts("variant")),
      status(results.texts("status")),
      seed(texts_of(find_column(results, "seed", "parameter"))),
      varied(varied_parameters(results, variant, mismatch_of(results) != nullptr, options.own,
                               options.by == kTasks)),
      // If no trial is done, the results have no metrics.
      any_done(std::find(status.begin(), status.end(), "done") != status.end()) {
  if (any_done) find_column(results, options.metric, "metric");
  const auto numbers = [&](const std::string& name) {
    return results.find(name) ? results.numbers(name) : std::vector<double>(variant.size(), kNaN);
  };
  find_reference(results, options);
  value = numbers(options.metric);
  accuracy = numbers("test_accuracy");
  solved_step = numbers("solved_step");
  if (const Column* column = mismatch_of(results)) {
    budget = column->name.substr(0, column->name.size() - std::string(kMismatch).size());
    spent = numbers(budget);
    mismatch = numbers(column->name);
  }
  const bool may_never = may_never_come(options.metric);
  if (!options.select.empty() || may_never) validation = numbers(validation_metric(options.metric));
  if (may_never)
    // Without any validation it is not known whether the event occurred.
    for (std::size_t i = 0; i < value.size(); ++i)
      if (status[i] == "done" && std::isnan(value[i]) && !std::isnan(validation[i])) value[i] = kNever;
}

void Trials::find_reference(const results::Results& results, const CompareOptions& options) {
  if (variant.empty()) return;
  const std::string& of = options.reference.empty() ? variant[0] : options.reference;
  for (const std::string& v : variant) reference.push_back(v == of);
  for (const auto& [path, wanted] : options.reference_values) {
    const Column* column = results.find(path);
    const std::vector<std::string> values =
        column ? parameter_texts(*column) : std::vector<std::string>(variant.size(), kMissing);
    for (std::size_t i = 0; i < values.size(); ++i) reference[i] = reference[i] && values[i] == wanted;
  }
}

std::string Trials::name(std::size_t i) const {
  std::string out = variant[i];
  for (const Varied& v : varied) out += fmt::format(" {}={}", v.name, v.values[i]);
  return fmt::format("{} seed={} ({})", out, seed[i], status[i]);
}

}  // namespace heed
