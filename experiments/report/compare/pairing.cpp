#include "experiments/report/compare/pairing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "experiments/report/compare/selection.h"
#include "experiments/trial/measurement_condition.h"

namespace heed {
std::vector<bool> free_columns(const Comparison& comparison) {
  std::vector<bool> own = comparison.chosen;
  for (std::size_t c = 0; c < own.size(); ++c) own[c] = own[c] || comparison.fixed[c];
  if (comparison.budget.empty()) return own;
  std::vector<const ComparedRow*> rows;
  for (const ComparedRow& row : comparison.rows) rows.push_back(&row);
  for (std::size_t c = 0; c < own.size(); ++c) {
    std::map<std::string, std::set<std::string>> values;
    for (const ComparedRow& row : comparison.rows) values[row.variant].insert(row.setting[c]);
    const bool differ = std::any_of(values.begin(), values.end(),
                                    [&](const auto& v) { return v.second != values.begin()->second; });
    std::vector<bool> others(own.size());
    for (std::size_t i = 0; i < own.size(); ++i) others[i] = i != c && !own[i];
    own[c] = own[c] || (differ && !is_measurement_condition(comparison.paths[c]) && follows(rows, c, others));
  }
  return own;
}

namespace {

// Returns the reference's rows with the same setting as `row`, in all columns that need not be `free`.
std::vector<const ComparedRow*> partners_of(const ComparedRow& row, const Comparison& comparison,
                                            const std::vector<bool>& free) {
  std::vector<const ComparedRow*> partners;
  for (const ComparedRow& r : comparison.rows) {
    if (!r.is_reference) continue;
    bool same = true;
    for (std::size_t c = 0; c < free.size(); ++c) same = same && (free[c] || r.setting[c] == row.setting[c]);
    if (same) partners.push_back(&r);
  }
  return partners;
}

}  // namespace

const ComparedRow* partner_of(const ComparedRow& row, const Comparison& comparison, std::vector<bool> free) {
  std::vector<const ComparedRow*> partners = partners_of(row, comparison, free);
  if (partners.empty()) {
    for (std::size_t c = 0; c < free.size(); ++c) free[c] = free[c] || comparison.own[c];
    partners = partners_of(row, comparison, free);
  }
  return partners.size() == 1 ? partners[0] : nullptr;
}

namespace {

Against compare_rows(const ComparedRow& row, const ComparedRow& reference, const std::string& metric,
                     const Measurement& measurement) {
  Against out;
  std::vector<double> of_reference, of_row;
  for (std::size_t i = 0; i < row.seeds.size(); ++i) {
    const auto same = std::find(reference.seeds.begin(), reference.seeds.end(), row.seeds[i]);
    if (same == reference.seeds.end()) continue;
    const auto at = static_cast<std::size_t>(same - reference.seeds.begin());
    if (!measurement.alike(row.trials[i], reference.trials[at])) {
      ++out.unlike;
      continue;
    }
    of_row.push_back(row.values[i]);
    of_reference.push_back(reference.values[at]);
  }
  out.left_out = row.seeds.size() + reference.seeds.size() - 2 * (of_row.size() + out.unlike);
  out.test = may_never_come(metric) ? statistics::compare_times(of_reference, of_row)
                                    : statistics::compare_means(of_reference, of_row);
  return out;
}

}  // namespace

std::size_t compare_with_reference(Comparison& comparison, const Measurement& measurement) {
  const std::vector<bool> own = free_columns(comparison);
  std::size_t alone = 0;
  std::vector<double> p;
  for (ComparedRow& row : comparison.rows) {
    if (!row.is_reference) {
      const ComparedRow* partner = partner_of(row, comparison, own);
      if (partner) row.against = compare_rows(row, *partner, comparison.metric, measurement);
      alone += !partner;
    }
    p.push_back(row.against.test.p);
  }
  const std::vector<double> adjusted = statistics::holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::isnan(p[i])) continue;
    Against& against = comparison.rows[i].against;
    against.adjusted_p = adjusted[i];
    // A median difference may be 0 although the ranks differ.
    const double difference = against.test.difference;
    const double direction = difference > 0 || difference < 0 ? difference : against.test.effect;
    against.verdict = verdict_of(comparison.metric, direction, adjusted[i]);
  }
  return alone;
}

}  // namespace heed
