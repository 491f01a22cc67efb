#include "experiments/report/compare/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/measurement.h"
#include "experiments/report/compare/over_tasks.h"
#include "experiments/report/compare/pairing.h"
#include "experiments/report/compare/selection.h"
#include "experiments/trial/quantity.h"

namespace heed {
namespace {

constexpr std::size_t kFewPairs = 5;

// Adds a note if the seeds are too few to show any difference, or nearly too few.
void warn_of_few_seeds(Comparison& comparison) {
  std::size_t tests = 0, few = 0, most = 0, least = std::string::npos;
  for (const ComparedRow& row : comparison.rows) {
    if (row.against.verdict.empty()) continue;
    const std::size_t pairs = row.against.test.pairs;
    ++tests, few += pairs < kFewPairs;
    most = std::max(most, pairs), least = std::min(least, pairs);
  }
  if (tests == 0) return;
  const double count = static_cast<double>(tests), reachable = smallest_reachable_p(comparison);
  if (reachable <= kSignificance) {
    if (few > 0)
      comparison.notes.push_back(
          fmt::format("{} of {} have fewer than {} pairs of seeds: p cannot be below {:.3g} there.", few,
                      count_text(tests, "comparison"), kFewPairs, statistics::smallest_p(least)));
    return;
  }
  std::size_t needed = most;
  while (count * statistics::smallest_p(needed) > kSignificance && needed < statistics::kMostExactPairs)
    ++needed;
  const std::string holm = fmt::format("p_holm of {}", count_text(tests, "comparison"));
  const bool only_by_holm = statistics::smallest_p(most) <= kSignificance;
  comparison.notes.push_back(fmt::format(
      "Too few seeds to show any difference: with {}, {} is at least {:.3g}.", count_text(most, "pair"),
      only_by_holm ? holm : "p", only_by_holm ? reachable : statistics::smallest_p(most)));
  comparison.notes.push_back(
      fmt::format("Use at least {} seeds: {} can then reach {}. sweep.seeds={} trains only the new ones.",
                  needed, holm, kSignificance, needed));
}

// Returns the names of the first few trials, and the number of the others.
std::string names_of(const std::vector<std::string>& trials) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, trials.size()); ++i) out += (i ? ", " : "") + trials[i];
  return trials.size() > kShown ? fmt::format("{} and {} more", out, trials.size() - kShown) : out;
}

// Returns the names in a stack, as "softmax+window", from its text in a resolved configuration.
std::string names_in(const std::string& stack) {
  constexpr std::string_view key = "name: ";
  std::string out;
  for (std::size_t at = stack.find(key); at != std::string::npos; at = stack.find(key, at)) {
    at += key.size();
    if (!out.empty()) out += '+';
    out.append(stack, at, stack.find_first_of(",}", at) - at);
  }
  return out;
}

// Notes which attention an encoder-decoder has where it is not that of its variant.
void note_places(const results::Results& results, Comparison& comparison) {
  const std::vector<std::string> variants = results.texts("variant");
  const auto text = [&](const std::string& path, std::size_t i) {
    const results::Column* column = results.find(path);
    return column ? value_text(column->values[i]) : std::string();
  };
  for (const auto& [slot, place] : {std::pair("model.encoder_attention", "The encoder's attention"),
                                    {"model.cross_attention", "Cross-attention"}}) {
    if (std::ranges::find(comparison.paths, slot) != comparison.paths.end()) continue;  // a column shows it
    std::map<std::string, std::vector<std::string>> other;                              // variants, by name
    for (std::size_t i = 0; i < variants.size(); ++i) {
      std::string name = text(std::string(slot) + ".name", i);
      if (name.empty()) name = names_in(text(slot, i));
      if (name.empty() || name == text("attention.name", i)) continue;
      std::vector<std::string>& of = other[name];
      if (std::ranges::find(of, variants[i]) == of.end()) of.push_back(variants[i]);
    }
    for (const auto& [name, of] : other)
      comparison.notes.push_back(fmt::format("{} is {} in {}.", place, name, names_of(of)));
  }
}

// Returns true if the reference has a value of this parameter or slot.
bool is_of_reference(const std::string& path, const CompareOptions& options) {
  return std::ranges::any_of(options.reference_values, [&](const auto& v) {
    return v.first == path || (!slot_of(path).empty() && slot_of(v.first) == path);
  });
}

// "softmax", or "softmax (positions=rope)"
std::string reference_name(const Trials& trials, const CompareOptions& options) {
  const std::string variant = options.reference.empty() ? trials.variant[0] : options.reference;
  std::vector<std::string> values;
  for (const auto& [path, value] : options.reference_values) {
    const std::string name = path.ends_with(".name") ? path.substr(0, path.rfind('.')) : path;
    values.push_back(fmt::format("{}={}", name.substr(name.rfind('.') + 1), value));
  }
  return values.empty() ? variant : fmt::format("{} ({})", variant, fmt::join(values, " "));
}

// If all trials have ended and none has the values of the reference, lists the rows there are.
void refuse_missing_reference(const std::vector<Group>& groups, const Comparison& comparison,
                              const CompareOptions& options, std::size_t ended) {
  if (options.reference_values.empty() || options.planned > ended ||
      std::ranges::any_of(groups, [](const Group& g) { return g.row.is_reference; }))
    return;
  std::vector<std::string> rows;
  for (const Group& g : groups) {
    std::vector<std::string> values;
    for (std::size_t c = 0; c < comparison.varied.size(); ++c)
      values.push_back(fmt::format("{}={}", comparison.varied[c], g.row.setting[c]));
    rows.push_back(values.empty() ? g.row.variant
                                  : fmt::format("{} ({})", g.row.variant, fmt::join(values, " ")));
  }
  constexpr std::size_t kMostRows = 20;
  const std::size_t more = rows.size() > kMostRows ? rows.size() - kMostRows : 0;
  rows.resize(rows.size() - more);
  throw Error(fmt::format("the results have no row of the reference {}. Rows: {}{}.", comparison.reference,
                          fmt::join(rows, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

// Notes in what variants differ by settings of their own, unless a column shows it.
void note_own(const results::Results& results, const std::vector<std::string>& own, Comparison& comparison) {
  const std::vector<std::string> variants = results.texts("variant");
  for (const std::string& path : own) {
    if (std::ranges::find(comparison.paths, path) != comparison.paths.end()) continue;
    const std::vector<std::string> values = shown_values(results, path);
    std::vector<std::string> order;  // of the values
    std::map<std::string, std::vector<std::string>> of_value;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      std::vector<std::string>& of = of_value[values[i]];
      if (of.empty()) order.push_back(values[i]);
      if (std::ranges::find(of, variants[i]) == of.end()) of.push_back(variants[i]);
    }
    if (order.size() < 2) continue;
    std::vector<std::string> parts;
    for (const std::string& value : order)
      parts.push_back(fmt::format("{} in {}", value, names_of(of_value[value])));
    comparison.notes.push_back(fmt::format("{} is {}.", path, fmt::join(parts, "; ")));
  }
}

// Groups trials by variant and setting. Several trials of one row and seed differ only in what no table
// shows, such as the build of a plugin: the first is used, and `twice` counts the others.
std::vector<Group> group(const Trials& trials, std::size_t& twice) {
  std::map<std::vector<std::string>, std::size_t> rows;
  std::map<std::string, std::size_t> places;  // of variants, by their first trial
  std::vector<Group> groups;
  for (std::size_t i = 0; i < trials.variant.size(); ++i) {
    places.insert({trials.variant[i], i});
    std::vector<std::string> key = {trials.variant[i]};
    for (const Varied& v : trials.varied) key.push_back(v.values[i]);
    const auto [at, is_new] = rows.insert({key, groups.size()});
    if (is_new) {
      groups.emplace_back();
      groups.back().row.variant = trials.variant[i];
      groups.back().row.is_reference = trials.reference[i];
      groups.back().row.setting.assign(key.begin() + 1, key.end());
    }
    ComparedRow& row = groups[at->second].row;
    if (std::find(row.seeds.begin(), row.seeds.end(), trials.seed[i]) != row.seeds.end()) {
      ++twice;
      continue;
    }
    ++row.tried, row.solved += trials.solved(i);
    row.incomplete += !trials.done(i);
    if (!trials.budget.empty() && !std::isnan(trials.spent[i])) {
      groups[at->second].spent.push_back(trials.spent[i]);
      groups[at->second].mismatch.push_back(trials.mismatch[i]);
    }
    if (!trials.done(i) || std::isnan(trials.value[i])) continue;
    row.seeds.push_back(trials.seed[i]);
    row.values.push_back(trials.value[i]);
    row.trials.push_back(i);
    if (!trials.validation.empty()) groups[at->second].validation.push_back(trials.validation[i]);
  }
  // The plan mixes variants; a table has the rows of each variant together.
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return places.at(a.row.variant) < places.at(b.row.variant);
  });
  return groups;
}

void note_missing(Comparison& comparison, const Trials& trials, std::size_t planned) {
  if (planned > trials.status.size())
    comparison.notes.push_back(
        fmt::format("{} of {} trials have not ended yet.", planned - trials.status.size(), planned));
  std::vector<std::string> incomplete;  // names
  std::size_t without_value = 0;
  for (std::size_t i = 0; i < trials.status.size(); ++i) {
    if (!trials.done(i))
      incomplete.push_back(trials.name(i));
    else
      without_value += std::isnan(trials.value[i]);
  }
  if (!incomplete.empty())
    comparison.notes.push_back(fmt::format("{} of {} trials are incomplete and are in no mean: {}.",
                                           incomplete.size(), trials.status.size(), names_of(incomplete)));
  if (without_value > 0)
    comparison.notes.push_back(
        fmt::format("{} trials that are done have no {}.", without_value, comparison.metric));
}

void note_pairs(Comparison& comparison, std::size_t alone) {
  if (std::ranges::none_of(comparison.rows, &ComparedRow::is_reference)) {
    comparison.notes.push_back(fmt::format(
        "The results have no trial of the reference '{}': nothing is compared.", comparison.reference));
    return;
  }
  std::size_t left_out = 0;
  for (const ComparedRow& row : comparison.rows) left_out += row.against.left_out;
  if (left_out > 0)
    comparison.notes.push_back(fmt::format("{} left out of comparisons: one of the two trials has no value.",
                                           count_text(left_out, "pair") + (left_out == 1 ? " is" : " are")));
  if (alone > 0)
    comparison.notes.push_back(fmt::format("{} compared: {} has no row of the same setting.",
                                           count_text(alone, "row") + (alone == 1 ? " is not" : " are not"),
                                           comparison.reference));
  warn_of_few_seeds(comparison);
}

// Adds a note if trials were not measured alike: pairs are left out, and means of a row may mix them.
void note_unlike(Comparison& comparison, const Measurement& measurement) {
  std::size_t unlike = 0, pairs = 0;
  std::vector<std::size_t> trials;
  bool mixed = false;
  for (const ComparedRow& row : comparison.rows) {
    unlike += row.against.unlike, pairs += row.against.unlike + row.against.test.pairs;
    const std::string within = measurement.differences(row.trials);
    mixed = mixed || (row.trials.size() > 1 && !within.empty());
    trials.insert(trials.end(), row.trials.begin(), row.trials.end());
  }
  if (unlike == 0 && !mixed) return;
  comparison.notes.push_back(
      fmt::format("{} depends on how it is measured, and that differs between trials: {}. {} of {} not "
                  "compared{}.",
                  comparison.metric, measurement.differences(trials), unlike,
                  count_text(pairs, "pair") + (unlike == 1 ? " is" : " are"),
                  mixed ? ", and a mean may mix what is not alike" : ""));
}

void summarize(ComparedRow& row, const std::string& metric) {
  if (may_never_come(metric)) {
    row.center = statistics::median_time(row.values);
    return;
  }
  row.center = statistics::mean(row.values);
  row.stddev = statistics::stddev(row.values);
  row.interval = statistics::bootstrap_mean(row.values);
}

// "lr", or "lr, and warmup with it,"
std::string chosen_text(const Comparison& comparison) {
  std::vector<std::string> others;
  for (std::size_t c = 0; c < comparison.varied.size(); ++c)
    if (comparison.chosen[c] && comparison.varied[c] != comparison.selected)
      others.push_back(comparison.varied[c]);
  return others.empty() ? comparison.selected
                        : fmt::format("{}, and {} with it,", comparison.selected, fmt::join(others, " and "));
}

// Names each variant whose best value is the smallest or the largest that was tried.
void note_edges(Comparison& out, const std::vector<Group>& groups, std::size_t at) {
  std::vector<std::string> variants;
  std::map<std::string, std::vector<std::string>> edges;
  std::map<std::string, std::size_t> rows;
  for (const Group& g : groups) {
    ++rows[g.row.variant];
    if (g.row.edge == Edge::none) continue;
    if (edges[g.row.variant].empty()) variants.push_back(g.row.variant);
    edges[g.row.variant].push_back(
        fmt::format("{}, the {}", g.row.setting[at], g.row.edge == Edge::smallest ? "smallest" : "largest"));
  }
  if (variants.empty()) return;
  std::vector<std::string> parts;
  for (const std::string& variant : variants) {
    std::vector<std::string>& found = edges[variant];
    const std::size_t count = found.size();
    found.erase(std::unique(found.begin(), found.end()), found.end());
    parts.push_back(
        fmt::format("{} ({}{})", variant, fmt::join(found, "; "),
                    rows[variant] > 1 ? fmt::format("; at {} of {} settings", count, rows[variant]) : ""));
  }
  out.notes.push_back(fmt::format(
      "The chosen {} is at the edge of what was tried for {}: the best may lie beyond. Try values "
      "on that side too.",
      out.varied[at], fmt::join(parts, ", ")));
}

// Keeps of each variant the rows with the value of options.select that is best on validation.
void choose(Comparison& out, std::vector<Group>& groups, const results::Results& results,
            const CompareOptions& options) {
  std::string path = slot_of(options.select);
  if (path.empty()) path = find_column(results, options.select, "parameter").parameter;
  if (path == "seed" || path == "variant")
    throw Error(
        fmt::format("the {} cannot be chosen: {}.", path,
                    path == "seed" ? "it is what is averaged over" : "variants are what is compared"));
  if (is_measurement_condition(path))
    throw Error(fmt::format("{} cannot be chosen: trials of different values are not measured alike.", path));
  const auto at =
      static_cast<std::size_t>(std::find(out.paths.begin(), out.paths.end(), path) - out.paths.begin());
  const std::string by = validation_metric(options.metric);
  if (at < out.paths.size()) {
    Selection selection = select(std::move(groups), at, out.paths, better_when(by));
    groups = std::move(selection.groups);
    out.chosen = std::move(selection.chosen);
  }
  if (at == out.paths.size() || !out.chosen[at]) {
    out.notes.push_back(fmt::format("{} has one value at each setting: nothing is chosen.", options.select));
    return;
  }
  out.selected = out.varied[at];
  out.notes.push_back(fmt::format("{} is chosen by {} for each variant; the table shows {} at that value.",
                                  chosen_text(out), by, options.metric));
  note_edges(out, groups, at);
}

}  // namespace

double smallest_reachable_p(const Comparison& comparison) {
  std::size_t tests = 0, most = 0;
  for (const ComparedRow& row : comparison.rows)
    if (!row.against.verdict.empty()) ++tests, most = std::max(most, row.against.test.pairs);
  return tests == 0 ? 1 : static_cast<double>(tests) * statistics::smallest_p(most);
}

std::size_t ComparedRow::never() const {
  return static_cast<std::size_t>(std::count(values.begin(), values.end(), kNever));
}

Better better_when(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info ? info->better : Better::neither;
}

bool may_never_come(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info && info->may_never_come;
}

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
  out.reference = reference_name(trials, options);
  out.has_solved = results.find("test_accuracy") || results.find("solved_step");
  for (const Varied& v : trials.varied) out.varied.push_back(v.name), out.paths.push_back(v.parameter);
  std::size_t twice = 0;
  std::vector<Group> groups = group(trials, twice);
  if (twice > 0)
    out.notes.push_back(
        fmt::format("{} left out: their rows have another trial of the same seed, which differs in what the "
                    "table does not show.",
                    count_text(twice, "trial") + (twice == 1 ? " is" : " are")));
  out.chosen.assign(out.varied.size(), false);
  for (const std::string& path : out.paths) out.fixed.push_back(is_of_reference(path, options));
  refuse_missing_reference(groups, out, options, trials.status.size());
  // While trials are missing, the settings of the reference are not all known.
  for (const std::string& path : out.paths)
    out.own.push_back(options.planned <= trials.status.size() && is_own(path, options.own));
  if (!options.select.empty()) choose(out, groups, results, options);
  out.budget = trials.budget;
  for (Group& g : groups) {
    summarize(g.row, options.metric);
    g.row.spent = statistics::mean(g.spent);
    g.row.mismatch = statistics::mean(g.mismatch);
    out.rows.push_back(std::move(g.row));
  }
  const Measurement measurement(results, options.metric);
  const std::size_t alone = compare_with_reference(out, measurement);
  if (options.by == kTasks && std::ranges::find(out.paths, kTasks) != out.paths.end()) {
    if (auto summary = over_tasks(out, measurement)) out.summary.push_back(std::move(*summary));
    split_by(out, kTasks);
  }
  note_own(results, options.own, out);
  note_places(results, out);
  note_missing(out, trials, options.planned);
  note_unlike(out, measurement);
  note_pairs(out, alone);
  for (std::string& note : out.notes) note = abbreviated(note);
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
  if (comparison.is_chosen(at))
    throw Error(fmt::format(
        "'{}' is chosen on validation (compare.select), so there is no table for each of its values. "
        "--select none shows them all.",
        parameter));
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
