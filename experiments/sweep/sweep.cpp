#include "experiments/sweep/sweep.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "experiments/match/knob.h"
#include "experiments/match/matcher.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/resolve.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/train/stages.h"

namespace heed {
namespace {

void check_keys(const Config& tree, Problems& problems) {
  static const std::vector<std::string> known = {"name",  "variants", "task", "model",   "train",
                                                 "sweep", "compare",  "save", "plugins", "limits"};
  for (const Config::Entry& e : tree.entries())
    if (std::find(known.begin(), known.end(), e.key) == known.end())
      problems.add(e.key_place, fmt::format("{}: unknown key.{}", e.key, suggestion(e.key, known)));
}

// The name is that of a folder.
std::string read_name(const Config& tree, const std::string& default_name, Problems& problems) {
  const Config* name = tree.find("name");
  if (!name) return default_name;
  const std::string& text = name->text();
  const bool good = name->is_scalar() && !text.empty() && text.size() <= 100 && text.front() != '.' &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) || c == '_' || c == '-' || c == '.';
                    });
  if (!good)
    problems.add(name->place(),
                 fmt::format("name: expected letters, digits, '-', '_' and '.' (it names a folder), "
                             "found {}.",
                             name->described()));
  return text;
}

SaveOptions read_save(const Config& tree, Problems& problems) {
  SaveOptions save;
  const Config* list = tree.find("save");
  if (!list || list->is_null()) return save;
  if (!list->is_sequence()) {
    problems.add(
        list->place(),
        fmt::format("save: expected a list of weights, attention and logits, found {}.", list->described()));
    return save;
  }
  for (const Config& item : list->items()) {
    if (item.text() == "weights")
      save.weights = true;
    else if (item.text() == "attention")
      save.attention = true;
    else if (item.text() == "logits")
      save.logits = true;
    else
      problems.add(item.place(), fmt::format("save: unknown value '{}'.{}", item.text(),
                                             suggestion(item.text(), {"weights", "attention", "logits"})));
  }
  return save;
}

CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            Problems& problems) {
  CompareOptions compare;
  const Config* section = tree.find("compare");
  if (!section || section->is_null()) return compare;
  read_section(compare, section, "compare", {"match"}, problems);
  if (!section->is_map()) return compare;
  const auto refuse_unless_known = [&](const char* key, const std::string& value, const char* what,
                                       const std::vector<std::string>& known) {
    const Config* given = section->find(key);
    if (given && given->is_scalar() && std::find(known.begin(), known.end(), value) == known.end())
      problems.add(given->place(),
                   fmt::format("compare.{}: '{}' is no {}.{}", key, value, what, suggestion(value, known)));
  };
  refuse_unless_known("metric", compare.metric, "metric", metric_names());
  refuse_unless_known("select", compare.select, "swept parameter", axes.swept);
  std::vector<std::string> labels;
  for (const VariantEntry& v : variants) labels.push_back(v.label);
  if (!labels.empty()) refuse_unless_known("reference", compare.reference, "variant of this sweep", labels);
  return compare;
}

// Builds what a trial trains, without memory for its numbers, once for each different model.
class ModelCheck {
 public:
  ModelCheck(const Registry& registry, Problems& problems) : registry_(registry), problems_(problems) {}

  void operator()(const TrialConfig& trial, const VariantEntry& variant, const Place& task_place) {
    TrialConfig model = trial;
    model.train = {};
    model.variant.clear();
    if (!seen_.insert(to_config(model).canonical()).second) return;
    const std::shared_ptr<Task> task = make_task(trial, task_place);
    if (!task) return;
    for (const Choice& c : trial.attention) check_traits(c, trial.task.name, *task, variant);
    try {
      if (const std::string why = refuse_stages(stages_of(trial, *task), registry_); !why.empty())
        problems_.add(variant.place, fmt::format("{}: {}", variant.path, why));
    } catch (const Error& e) {
      problems_.add(variant.place, fmt::format("{}: {}", variant.path, e.what()));
    }
  }

 private:
  // Null where the task cannot be made; its place then has the reason.
  std::shared_ptr<Task> make_task(const TrialConfig& trial, const Place& place) {
    const auto [at, is_new] = tasks_.insert({trial.task.name + trial.task.options.canonical(), nullptr});
    if (!is_new) return at->second;
    try {
      at->second = registry_.task(trial.task.name).make(trial.task.options, 0);
    } catch (const Error& e) {
      problems_.add(place, fmt::format("task: {}", e.what()));
    }
    return at->second;
  }

  void check_traits(const Choice& choice, const std::string& task_name, const Task& task,
                    const VariantEntry& variant) {
    const Traits traits = registry_.variant(choice.name).traits(choice.options);
    if (task.causal() && !traits.causal)
      problems_.add(variant.place, fmt::format("{}: '{}' cannot hide the future, which the task '{}' needs.",
                                               variant.path, choice.name, task_name));
    if (!task.causal() && !traits.bidirectional)
      problems_.add(variant.place,
                    fmt::format("{}: '{}' cannot do without a causal mask, which the task '{}' needs.",
                                variant.path, choice.name, task_name));
  }

  const Registry& registry_;
  Problems& problems_;
  std::set<std::string> seen_;
  std::map<std::string, std::shared_ptr<Task>> tasks_;
};

// {rope: {fraction: 0.5}} as rope(fraction=0.5)
std::string short_text(const Config& value) {
  if (!value.is_map() || value.entries().size() != 1) return value.canonical();
  std::vector<std::pair<std::string, std::string>> options;
  for (const Config::Entry& e : value.entries()[0].value.entries())
    options.emplace_back(e.key, e.value.canonical());
  return label(value.entries()[0].key, options);
}

// The paths that points set; of what stands in a slot, {mlp: {width: 64}}, the options that are given, too.
std::vector<std::string> paths_set(const Axes& axes) {
  std::vector<std::string> paths = axes.swept;
  for (const Point& point : axes.points)
    for (const Setting& s : point) {
      if (!s.value.is_map()) continue;
      for (const Config::Entry& thing : s.value.entries())
        for (const Config::Entry& option : thing.value.entries())
          paths.push_back(fmt::format("{}.{}.{}", s.path, thing.key, option.key));
    }
  return paths;
}

std::string setting_text(const Point& point) {
  std::vector<std::string> parts;
  for (const Setting& s : point)
    parts.push_back(s.path.substr(s.path.rfind('.') + 1) + '=' + short_text(s.value));
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"test_accuracy",
                                                 "test_loss",
                                                 "test_accuracy_macro",
                                                 "final_validation_accuracy",
                                                 "final_validation_loss",
                                                 "plateau_step",
                                                 "solved_step",
                                                 "final_gradient_norm",
                                                 "attention_entropy",
                                                 "attention_on_answer",
                                                 "attention_on_distractors",
                                                 "attention_on_first",
                                                 "attention_effective_rank",
                                                 "attention_negative",
                                                 "parameters",
                                                 "parameters_attention",
                                                 "parameters_feed_forward",
                                                 "parameters_embedding",
                                                 "parameters_head",
                                                 "parameters_biases",
                                                 "parameters_norms",
                                                 "parameters_positions",
                                                 "forward_flops",
                                                 "training_flops",
                                                 "growth_difference",
                                                 "state_bytes",
                                                 "step_milliseconds",
                                                 "tokens_per_second",
                                                 "processor_seconds",
                                                 "peak_memory_bytes"};
  return names;
}

Sweep read_sweep(const Config& tree, const std::string& default_name, const Registry& registry,
                 Problems& problems, StepTimes* times) {
  Sweep sweep;
  check_keys(tree, problems);
  sweep.name = read_name(tree, default_name, problems);
  const SaveOptions save = read_save(tree, problems);
  const std::vector<VariantEntry> variants = read_variants(tree, registry, problems);
  const Axes axes = read_axes(tree, section_options(tree, registry), problems);
  LimitOptions limits;
  read_section(limits, tree.find("limits"), "limits", {}, problems);
  sweep.limits = limits_of(limits);
  if (times) times->limits = sweep.limits;
  sweep.compare = read_compare(tree, variants, axes, problems);
  sweep.match = read_match(tree.find("compare"), sweep.compare.reference, variants, problems);

  const double trials = static_cast<double>(variants.size()) * static_cast<double>(axes.points.size()) *
                        static_cast<double>(axes.seeds.size());
  if (trials > static_cast<double>(kMaxTrials)) {
    problems.add(tree.place(),
                 fmt::format("the sweep has {:.0f} trials; at most {} are run as one.", trials, kMaxTrials));
    return sweep;
  }
  struct Resolved {
    TrialConfig trial;
    Place task_place;
    bool good;
  };
  const std::vector<std::string> swept = paths_set(axes);
  std::vector<Resolved> points;
  for (const Point& point : axes.points) {
    const Config sections = sections_at(tree, point);
    const Config* task = sections.find("task");
    Resolved r{{}, task ? task->place() : Place{}, false};
    r.good = resolve_sections(sections, registry, r.trial, problems);
    r.trial.save = save;
    r.trial.swept = swept;
    points.push_back(std::move(r));
  }
  ModelCheck check_model(registry, problems);
  for (const VariantEntry& variant : variants)
    for (const Resolved& point : points)
      if (point.good)
        check_model(with_variant(point.trial, variant, registry, problems), variant, point.task_place);
  if (!problems.empty()) return sweep;

  std::optional<Matcher> matcher;
  if (sweep.match.on()) matcher.emplace(sweep.match, variants, registry, times, problems);
  std::set<std::string> ids;
  for (const VariantEntry& variant : variants)
    for (std::size_t p = 0; p < points.size(); ++p) {
      PlannedTrial planned{{}, "", setting_text(axes.points[p]), {}};
      if (!matcher) {
        planned.config = with_variant(points[p].trial, variant, registry, problems);
      } else if (auto solved = (*matcher)(points[p].trial, variant, planned.setting)) {
        planned.config = std::move(solved->trial);
        planned.matched = std::move(solved->matched);
      } else {
        continue;  // the problems say why
      }
      for (const std::uint64_t seed : axes.seeds) {
        planned.config.seed = seed;
        planned.id = trial_id(planned.config);
        if (ids.insert(planned.id).second) sweep.trials.push_back(planned);
      }
    }
  sweep.compare.planned = sweep.trials.size();
  return sweep;
}

}  // namespace heed
