#include "experiments/report/compare/comparison.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "experiments/report/compare/choose.h"
#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/groups.h"
#include "experiments/report/compare/measurement.h"
#include "experiments/report/compare/notes.h"
#include "experiments/report/compare/over_tasks.h"
#include "experiments/report/compare/pairing.h"
#include "experiments/report/compare/reference.h"
#include "experiments/report/compare/warnings.h"
#include "experiments/trial/quantity.h"

namespace heed {
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
  const std::size_t unpaired = compare_with_reference(out, measurement);
  if (options.by == kTasks && std::ranges::find(out.paths, kTasks) != out.paths.end()) {
    if (auto summary = over_tasks(out, measurement)) out.summary.push_back(std::move(*summary));
    split_by(out, kTasks);
  }
  note_own(results, options.own, out);
  note_places(results, options.own, out);
  note_missing(out, trials, options.planned);
  note_unlike(out, measurement);
  note_pairs(out, unpaired);
  note_unequal(results, out);
  note_memorized(results, out);
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
