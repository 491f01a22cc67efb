#include "experiments/report/verdict.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "experiments/report/compare/table_cells.h"
#include "experiments/report/report_data.h"
#include "experiments/trial/quantity.h"

namespace heed::report {
namespace {

constexpr const char* kNone = "no difference shown";

std::string with_unit(double x, const std::string& unit) {
  return unit.empty() || unit == "1" ? rounded(x) : fmt::format("{} {}", rounded(x), unit);
}

std::string setting_of(const Comparison& c, const ComparedRow& row) {
  std::string out;
  for (std::size_t i = 0; i < row.setting.size(); ++i)
    if (row.setting[i] != "-")
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", c.varied[i], row.setting[i]);
  return out;
}

// "(95 % interval 0.49 to 0.73; p = 0.03 after Holm's adjustment; 8 pairs of seeds)". The interval's ends
// with their signs, or of the size without sign.
std::string statistics_of(const Against& a, bool signless) {
  std::string interval;
  const statistics::Interval i = a.test.interval;
  if (std::isfinite(i.low)) {
    const double from = signless ? std::min(-i.high, -i.low) : i.low;
    const double to = signless ? std::max(-i.high, -i.low) : i.high;
    interval = fmt::format("95 % interval {} to {}; ", rounded(from), rounded(to));
  }
  return fmt::format("({}p = {} after Holm's adjustment; {} of seeds)", interval, rounded(a.adjusted_p),
                     count_text(a.test.pairs, "pair"));
}

std::string one_row(const Comparison& c, const ComparedRow& row, const std::string& unit) {
  const Against& a = row.against;
  const double d = a.test.difference;
  const std::string metric = human_readable(c.metric), setting = setting_of(c, row);
  const std::string at = setting.empty() ? "" : fmt::format(" at {}", setting);
  if (a.verdict == kNone)
    return fmt::format("against {}{}: {}{} in {}, no difference shown {}.", c.reference, at, d > 0 ? "+" : "",
                       with_unit(d, unit), metric, statistics_of(a, false));
  // Infinite: one of the two never reached the step, so there is no size to report.
  if (!std::isfinite(d))
    return fmt::format("is {} than {}{}: in {}, {} {} {}.", a.verdict, c.reference, at, metric,
                       d > 0 ? "it never reached the step and the reference did"
                             : "it reached the step and the reference never did",
                       "in half of the pairs or more", statistics_of(a, false));
  return fmt::format("is {} than {}{} by {} in {} {}.", a.verdict, c.reference, at,
                     with_unit(std::abs(d), unit), metric, statistics_of(a, d < 0));
}

std::string many_rows(const Comparison& c, const std::vector<const ComparedRow*>& rows,
                      const std::string& unit) {
  std::map<std::string, std::vector<double>> by_verdict;
  for (const ComparedRow* r : rows) by_verdict[r->against.verdict].push_back(r->against.test.difference);
  std::vector<std::string> parts;
  for (const auto& [verdict, differences] : by_verdict) {
    const auto [low, high] = std::minmax_element(differences.begin(), differences.end());
    const std::string range =
        differences.size() == 1
            ? fmt::format("difference {}", with_unit(*low, unit))
            : fmt::format("differences from {} to {}", with_unit(*low, unit), with_unit(*high, unit));
    parts.push_back(verdict == kNone
                        ? fmt::format("no difference is shown at {} ({})", differences.size(), range)
                        : fmt::format("{} at {} ({})", verdict, differences.size(), range));
  }
  return fmt::format("against {} at {}, by {}: {}.", c.reference, count_text(rows.size(), "setting"),
                     human_readable(c.metric), fmt::join(parts, "; "));
}

}  // namespace

std::vector<Verdict> verdicts(const Comparison& comparison, const std::string& unit) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const ComparedRow*>> compared;
  for (const ComparedRow& row : comparison.rows) {
    if (row.against.verdict.empty()) continue;
    if (compared[row.variant].empty()) order.push_back(row.variant);
    compared[row.variant].push_back(&row);
  }
  std::vector<Verdict> out;
  for (const std::string& variant : order) {
    const auto& rows = compared[variant];
    const std::string& first = rows[0]->against.verdict;
    const bool same = std::all_of(rows.begin(), rows.end(),
                                  [&](const ComparedRow* r) { return r->against.verdict == first; });
    out.push_back(
        {variant, same ? first : "mixed",
         rows.size() == 1 ? one_row(comparison, *rows[0], unit) : many_rows(comparison, rows, unit)});
  }
  return out;
}

std::string headline(const Comparison& comparison, const std::vector<Verdict>& verdicts) {
  std::string out;
  const auto add = [&](const std::string& word, const std::string& begin) {
    std::vector<std::string> names;
    for (const Verdict& v : verdicts)
      if (v.word == word) names.push_back(v.variant);
    if (!names.empty())
      out += fmt::format("{}{}: {}.", out.empty() ? "" : " ", begin, fmt::join(names, ", "));
  };
  // Shown differences come first; "no difference" comes last, because it is the weakest statement.
  for (const char* word : {"better", "worse", "larger", "smaller"}) {
    std::string begin = fmt::format("{} than {}", word, comparison.reference);
    begin[0] = static_cast<char>(begin[0] - 'a' + 'A');
    add(word, begin);
  }
  add("mixed", fmt::format("Different from {} at some settings", comparison.reference));
  // With too few seeds, "no difference shown" would say nothing about the variants.
  add(kNone, smallest_reachable_p(comparison) > kSignificance
                 ? fmt::format("Too few seeds to show a difference from {}", comparison.reference)
                 : fmt::format("No difference from {} shown", comparison.reference));
  return out;
}

std::string reference_sentence(const Comparison& comparison, const std::string& unit) {
  std::vector<const ComparedRow*> rows;
  for (const ComparedRow& row : comparison.rows)
    if (row.is_reference && !std::isnan(row.center)) rows.push_back(&row);
  if (rows.empty()) return "";
  const std::string metric = human_readable(comparison.metric);
  if (rows.size() > 1) {
    const auto [low, high] =
        std::minmax_element(rows.begin(), rows.end(),
                            [](const ComparedRow* a, const ComparedRow* b) { return a->center < b->center; });
    return fmt::format("The reference is {}: {} from {} to {} over {} settings.", comparison.reference,
                       metric, with_unit((*low)->center, unit), with_unit((*high)->center, unit),
                       rows.size());
  }
  const ComparedRow& r = *rows[0];
  const std::string setting = setting_of(comparison, r),
                    at = setting.empty() ? "" : fmt::format(" at {}", setting);
  const std::string interval =
      std::isfinite(r.interval.low)
          ? fmt::format("95 % interval {} to {}; ", rounded(r.interval.low), rounded(r.interval.high))
          : "";
  return fmt::format("The reference is {}{}: {} {} ({}{}).", comparison.reference, at, metric,
                     with_unit(r.center, unit), interval, count_text(r.values.size(), "seed"));
}

}  // namespace heed::report
