#include "experiments/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "experiments/variant_list.h"

namespace heed {
namespace {

using results::Column;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr std::size_t kFewPairs = 5;

std::string value_text(const results::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  const double number = std::get<double>(value);
  return std::isnan(number) ? "-" : fmt::format("{}", number);
}

// What takes different values within one variant, and its value in each trial.
struct Varied {
  std::string name;       // of the column in the table
  std::string parameter;  // dotted path
  std::vector<std::string> values;
};

// The slot of the model whose name or option a parameter is; empty where it is none.
std::string slot_of(const std::string& parameter) {
  for (const char* slot : {"model.positions", "model.feed_forward"})
    if (parameter == slot || parameter.starts_with(std::string(slot) + '.')) return slot;
  return "";
}

bool differs_within(const std::vector<std::string>& groups, const std::vector<std::string>& values) {
  std::map<std::string, std::string> first;
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (first.insert({groups[i], values[i]}).first->second != values[i]) return true;
  return false;
}

std::vector<std::string> texts_of(const Column& column) {
  std::vector<std::string> out;
  for (const results::Value& v : column.values) out.push_back(value_text(v));
  return out;
}

// What stands in a slot, in one word for each trial: its name, and the options that are not the same wherever
// this name stands.
std::vector<std::string> slot_labels(const results::Results& results, const std::string& slot) {
  const std::vector<std::string> names = results.texts(slot + ".name");
  std::vector<std::vector<std::pair<std::string, std::string>>> shown(names.size());
  for (const Column& column : results.columns) {
    if (slot_of(column.parameter) != slot || column.parameter == slot + ".name") continue;
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

// Parameters, the seed apart, that take different values within one variant; a slot is one of them. Plugins
// are none: where they differ, so does what they bring.
std::vector<Varied> varied_parameters(const results::Results& results,
                                      const std::vector<std::string>& variants) {
  std::vector<Varied> varied;
  for (const Column& column : results.columns) {
    if (column.role != results::Role::parameter || column.parameter == "seed" ||
        column.parameter == "variant" || column.parameter == "plugins")
      continue;
    const std::string slot = slot_of(column.parameter);
    const auto is_there = [&](const Varied& v) { return v.parameter == slot; };
    if (!slot.empty() && std::any_of(varied.begin(), varied.end(), is_there)) continue;
    std::vector<std::string> values = texts_of(column);
    if (!differs_within(variants, values)) continue;
    if (slot.empty())
      varied.push_back({column.name, column.parameter, std::move(values)});
    else
      varied.push_back({slot, slot, slot_labels(results, slot)});
  }
  return varied;
}

const Column& find_column(const results::Results& results, const std::string& name, const char* what) {
  if (const Column* column = results.find(name)) return *column;
  std::vector<std::string> known;
  for (const Column& c : results.columns)
    if (c.role == (std::string(what) == "metric" ? results::Role::metric : results::Role::parameter))
      known.push_back(c.name);
  throw Error(fmt::format("the results have no {} '{}'.{}", what, name, suggestion(name, known)));
}

// A row while it is made.
struct Group {
  ComparedRow row;
  std::vector<double> validation;  // of the trials that have a value
};

// For each set of groups that differ in column `at` alone, keeps the one that is best on validation: of those
// with the fewest trials that are not done, the one with the best mean.
std::vector<Group> keep_selected(std::vector<Group> groups, std::size_t at, Better better) {
  std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> best;
  const auto beats = [&](const Group& a, const Group& b) {
    const double here = statistics::mean(a.validation), there = statistics::mean(b.validation);
    if (std::isnan(here) != std::isnan(there)) return std::isnan(there);
    if (a.row.not_done != b.row.not_done) return a.row.not_done < b.row.not_done;
    return better == Better::smaller ? here < there : here > there;
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::vector<std::string> rest = groups[i].row.setting;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
    const auto [found, is_new] = best.insert({{groups[i].row.variant, rest}, i});
    if (is_new) continue;
    const bool wins = beats(groups[i], groups[found->second]);
    const std::size_t winner = wins ? i : found->second, loser = wins ? found->second : i;
    groups[winner].row.solved += groups[loser].row.solved,
        groups[winner].row.tried += groups[loser].row.tried;
    found->second = winner;
  }
  std::set<std::size_t> kept;
  for (const auto& [key, i] : best) kept.insert(i);
  std::vector<Group> out;
  for (std::size_t i : kept) out.push_back(std::move(groups[i]));
  return out;
}

// Does the setting without column c tell the value in c, within each variant?
bool follows_from_others(const Comparison& comparison, std::size_t c, const std::vector<bool>& own) {
  std::map<std::vector<std::string>, std::string> seen;
  for (const ComparedRow& row : comparison.rows) {
    std::vector<std::string> others = {row.variant};
    for (std::size_t i = 0; i < row.setting.size(); ++i)
      if (i != c && !own[i]) others.push_back(row.setting[i]);
    if (seen.insert({others, row.setting[c]}).first->second != row.setting[c]) return false;
  }
  return true;
}

// The columns that a row need not share with the reference's row: what is selected, and what follows from the
// other columns but is not the same for each variant, as a width that meets a budget at each length.
std::vector<bool> own_columns(const Comparison& comparison) {
  std::vector<bool> own(comparison.varied.size());
  for (std::size_t c = 0; c < own.size(); ++c) own[c] = comparison.varied[c] == comparison.selected;
  for (std::size_t c = 0; c < own.size(); ++c) {
    std::map<std::string, std::set<std::string>> values;
    for (const ComparedRow& row : comparison.rows) values[row.variant].insert(row.setting[c]);
    const bool differ = std::any_of(values.begin(), values.end(),
                                    [&](const auto& v) { return v.second != values.begin()->second; });
    own[c] = own[c] || (differ && follows_from_others(comparison, c, own));
  }
  return own;
}

// The reference's row with the setting of `row`; null unless there is one and only one.
const ComparedRow* partner_of(const ComparedRow& row, const Comparison& comparison,
                              const std::vector<bool>& own) {
  const ComparedRow* partner = nullptr;
  for (const ComparedRow& r : comparison.rows) {
    if (r.variant != comparison.reference) continue;
    bool same = true;
    for (std::size_t c = 0; c < own.size(); ++c) same = same && (own[c] || r.setting[c] == row.setting[c]);
    if (same && partner) return nullptr;
    if (same) partner = &r;
  }
  return partner;
}

Against compare_rows(const ComparedRow& row, const ComparedRow& reference, const std::string& metric) {
  std::vector<double> of_reference, of_row;
  for (std::size_t i = 0; i < row.seeds.size(); ++i) {
    const auto same = std::find(reference.seeds.begin(), reference.seeds.end(), row.seeds[i]);
    if (same == reference.seeds.end()) continue;
    of_row.push_back(row.values[i]);
    of_reference.push_back(reference.values[static_cast<std::size_t>(same - reference.seeds.begin())]);
  }
  Against out;
  out.left_out = row.seeds.size() + reference.seeds.size() - 2 * of_row.size();
  out.test = may_never_come(metric) ? statistics::compare_times(of_reference, of_row)
                                    : statistics::compare_means(of_reference, of_row);
  return out;
}

// Compares every row of another variant; how many have no row to be compared with.
std::size_t compare_with_reference(Comparison& comparison) {
  const std::vector<bool> own = own_columns(comparison);
  std::size_t alone = 0;
  std::vector<double> p;
  for (ComparedRow& row : comparison.rows) {
    if (row.variant != comparison.reference) {
      const ComparedRow* partner = partner_of(row, comparison, own);
      if (partner) row.against = compare_rows(row, *partner, comparison.metric);
      alone += !partner;
    }
    p.push_back(row.against.test.p);
  }
  const std::vector<double> adjusted = statistics::holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::isnan(p[i])) continue;
    Against& against = comparison.rows[i].against;
    against.adjusted_p = adjusted[i];
    // A median difference may be 0 where the ranks lean to one side.
    const double difference = against.test.difference;
    const double direction = difference > 0 || difference < 0 ? difference : against.test.effect;
    against.verdict = verdict_of(comparison.metric, direction, adjusted[i]);
  }
  return alone;
}

std::string count_of(std::size_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// Where the seeds are too few to show any difference, or nearly: a sentence.
void warn_of_few_seeds(Comparison& comparison) {
  std::size_t tests = 0, few = 0, most = 0, least = std::string::npos;
  for (const ComparedRow& row : comparison.rows) {
    if (row.against.verdict.empty()) continue;
    const std::size_t pairs = row.against.test.pairs;
    ++tests, few += pairs < kFewPairs;
    most = std::max(most, pairs), least = std::min(least, pairs);
  }
  if (tests == 0) return;
  const double count = static_cast<double>(tests), reachable = count * statistics::smallest_p(most);
  if (reachable <= kSignificance) {
    if (few > 0)
      comparison.notes.push_back(
          fmt::format("{} of {} have fewer than {} pairs of seeds: p cannot be below {:.3g} there.", few,
                      count_of(tests, "comparison"), kFewPairs, statistics::smallest_p(least)));
    return;
  }
  std::size_t needed = most;
  while (count * statistics::smallest_p(needed) > kSignificance && needed < statistics::kMostExactPairs)
    ++needed;
  const std::string holm = fmt::format("p_holm of {}", count_of(tests, "comparison"));
  const bool by_holm_alone = statistics::smallest_p(most) <= kSignificance;
  comparison.notes.push_back(fmt::format(
      "Too few seeds: with {} {} cannot be below {:.3g}, so no difference can be shown, however large.",
      count_of(most, "pair"), by_holm_alone ? holm : "p",
      by_holm_alone ? reachable : statistics::smallest_p(most)));
  comparison.notes.push_back(
      fmt::format("{} can reach {} from {} seeds on; sweep.seeds={} runs only the new ones.", holm,
                  kSignificance, needed, needed));
}

// The first few trials that are not done by name, the others by number.
std::string names_of(const std::vector<std::string>& trials) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, trials.size()); ++i) out += (i ? ", " : "") + trials[i];
  return trials.size() > kShown ? fmt::format("{} and {} more", out, trials.size() - kShown) : out;
}

// The columns that are looked at, one value per trial.
struct Trials {
  Trials(const results::Results& results, const CompareOptions& options)
      : variant(results.texts("variant")),
        status(results.texts("status")),
        seed(texts_of(find_column(results, "seed", "parameter"))),
        varied(varied_parameters(results, variant)),
        // Where no trial is done there are no metrics at all.
        any_done(std::find(status.begin(), status.end(), "done") != status.end()) {
    if (any_done) find_column(results, options.metric, "metric");
    const auto numbers = [&](const std::string& name) {
      return results.find(name) ? results.numbers(name) : std::vector<double>(variant.size(), kNaN);
    };
    value = numbers(options.metric);
    accuracy = numbers("test_accuracy");
    solved_step = numbers("solved_step");
    const bool may_never = may_never_come(options.metric);
    if (!options.select.empty() || may_never) validation = numbers(validation_metric(options.metric));
    if (may_never)
      // A trial that was never validated cannot tell what did not come.
      for (std::size_t i = 0; i < value.size(); ++i)
        if (status[i] == "done" && std::isnan(value[i]) && !std::isnan(validation[i])) value[i] = kNever;
  }

  bool done(std::size_t i) const { return status[i] == "done"; }
  bool solved(std::size_t i) const {
    return done(i) && (accuracy[i] >= kSolved || std::isfinite(solved_step[i]));
  }
  std::string name(std::size_t i) const {
    std::string out = variant[i];
    for (const Varied& v : varied) out += fmt::format(" {}={}", v.name, v.values[i]);
    return fmt::format("{} seed={} ({})", out, seed[i], status[i]);
  }

  std::vector<std::string> variant, status, seed;
  std::vector<Varied> varied;
  bool any_done;
  std::vector<double> value, validation, accuracy, solved_step;
};

std::vector<Group> group(const Trials& trials) {
  std::map<std::vector<std::string>, std::size_t> rows;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < trials.variant.size(); ++i) {
    std::vector<std::string> key = {trials.variant[i]};
    for (const Varied& v : trials.varied) key.push_back(v.values[i]);
    const auto [at, is_new] = rows.insert({key, groups.size()});
    if (is_new) {
      groups.emplace_back();
      groups.back().row.variant = trials.variant[i];
      groups.back().row.setting.assign(key.begin() + 1, key.end());
    }
    ComparedRow& row = groups[at->second].row;
    ++row.tried, row.solved += trials.solved(i);
    row.not_done += !trials.done(i);
    if (!trials.done(i) || std::isnan(trials.value[i])) continue;
    row.seeds.push_back(trials.seed[i]);
    row.values.push_back(trials.value[i]);
    if (!trials.validation.empty()) groups[at->second].validation.push_back(trials.validation[i]);
  }
  return groups;
}

void note_missing(Comparison& comparison, const Trials& trials) {
  std::vector<std::string> not_done;
  std::size_t without_value = 0;
  for (std::size_t i = 0; i < trials.status.size(); ++i) {
    if (!trials.done(i))
      not_done.push_back(trials.name(i));
    else
      without_value += std::isnan(trials.value[i]);
  }
  if (!not_done.empty())
    comparison.notes.push_back(fmt::format("{} of {} trials are not done and are averaged in nowhere: {}.",
                                           not_done.size(), trials.status.size(), names_of(not_done)));
  if (without_value > 0)
    comparison.notes.push_back(
        fmt::format("{} trials that are done have no {}.", without_value, comparison.metric));
}

void note_pairs(Comparison& comparison, std::size_t alone) {
  const auto is_reference = [&](const ComparedRow& r) { return r.variant == comparison.reference; };
  if (std::none_of(comparison.rows.begin(), comparison.rows.end(), is_reference)) {
    comparison.notes.push_back(fmt::format(
        "The results have no trial of the reference '{}': nothing is compared.", comparison.reference));
    return;
  }
  std::size_t left_out = 0;
  for (const ComparedRow& row : comparison.rows) left_out += row.against.left_out;
  if (left_out > 0)
    comparison.notes.push_back(fmt::format("{} left out of comparisons: one of the two trials has no value.",
                                           count_of(left_out, "pair") + (left_out == 1 ? " is" : " are")));
  if (alone > 0)
    comparison.notes.push_back(fmt::format("{} compared: {} has no row of the same setting.",
                                           count_of(alone, "row") + (alone == 1 ? " is not" : " are not"),
                                           comparison.reference));
  warn_of_few_seeds(comparison);
}

void summarize(ComparedRow& row, const std::string& metric) {
  if (may_never_come(metric)) {
    row.center = statistics::median_time(row.values);
    return;
  }
  row.center = statistics::mean(row.values);
  row.deviation = statistics::deviation(row.values);
  row.interval = statistics::bootstrap_mean(row.values);
}

}  // namespace

std::size_t ComparedRow::never() const {
  return static_cast<std::size_t>(std::count(values.begin(), values.end(), kNever));
}

Better better_when(const std::string& metric) {
  // The first part that a name has decides.
  static constexpr std::array<std::pair<const char*, Better>, 10> kMeanings = {{
      {"accuracy", Better::larger},
      {"loss", Better::smaller},
      {"plateau_step", Better::smaller},
      {"solved_step", Better::smaller},
      {"tokens_per_second", Better::larger},
      {"milliseconds", Better::smaller},
      {"seconds", Better::smaller},
      {"bytes", Better::smaller},
      {"flops", Better::smaller},
      {"parameters", Better::smaller},
  }};
  for (const auto& [part, better] : kMeanings)
    if (metric.find(part) != std::string::npos) return better;
  return Better::neither;
}

bool may_never_come(const std::string& metric) { return metric == "plateau_step" || metric == "solved_step"; }

std::string validation_metric(const std::string& metric) {
  return metric.find("loss") != std::string::npos ? "final_validation_loss" : "final_validation_accuracy";
}

std::string verdict_of(const std::string& metric, double difference, double adjusted_p) {
  if (!(adjusted_p <= kSignificance)) return "no difference shown";
  const Better better = better_when(metric);
  if (better == Better::neither) return difference > 0 ? "larger" : "smaller";
  return (difference > 0) == (better == Better::larger) ? "better" : "worse";
}

Comparison compare(const results::Results& results, const CompareOptions& options) {
  Comparison out;
  out.metric = options.metric;
  if (results.trial.empty()) {
    out.notes.emplace_back("No trial has ended yet.");
    return out;
  }
  const Trials trials(results, options);
  out.reference = options.reference.empty() ? trials.variant[0] : options.reference;
  out.knows_solved = results.find("test_accuracy") || results.find("solved_step");
  for (const Varied& v : trials.varied) out.varied.push_back(v.name), out.paths.push_back(v.parameter);
  std::vector<Group> groups = group(trials);
  if (!options.select.empty()) {
    std::string path = slot_of(options.select);
    if (path.empty()) path = find_column(results, options.select, "parameter").parameter;
    const auto at =
        static_cast<std::size_t>(std::find(out.paths.begin(), out.paths.end(), path) - out.paths.begin());
    if (at < out.paths.size()) {
      const std::string by = validation_metric(options.metric);
      groups = keep_selected(std::move(groups), at, better_when(by));
      out.selected = out.varied[at];
      out.notes.push_back(
          fmt::format("{} is chosen by {} for each variant; the table shows {} at that value.", out.selected,
                      by, options.metric));
    }
  }
  for (Group& g : groups) {
    summarize(g.row, options.metric);
    out.rows.push_back(std::move(g.row));
  }
  const std::size_t alone = compare_with_reference(out);
  note_missing(out, trials);
  note_pairs(out, alone);
  return out;
}

void split_by(Comparison& comparison, const std::string& parameter) {
  std::size_t at = 0;
  while (at < comparison.varied.size() && comparison.varied[at] != parameter &&
         comparison.paths[at] != parameter)
    ++at;
  if (at == comparison.varied.size())
    throw Error(fmt::format("nothing that varies is called '{}'.{}", parameter,
                            suggestion(parameter, comparison.varied)));
  if (comparison.varied[at] == comparison.selected)
    throw Error(
        fmt::format("'{}' is chosen on validation, so there is no table for each of its values.", parameter));
  comparison.by = comparison.varied[at];
  std::vector<std::string> order;
  for (const ComparedRow& row : comparison.rows)
    if (std::find(order.begin(), order.end(), row.setting[at]) == order.end())
      order.push_back(row.setting[at]);
  const auto place = [&](const ComparedRow& row) {
    return std::find(order.begin(), order.end(), row.setting[at]);
  };
  std::stable_sort(comparison.rows.begin(), comparison.rows.end(),
                   [&](const ComparedRow& a, const ComparedRow& b) { return place(a) < place(b); });
}

}  // namespace heed
