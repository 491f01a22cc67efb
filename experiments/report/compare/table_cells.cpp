#include "experiments/report/compare/table_cells.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiments/trial/quantity.h"

namespace heed {
namespace {

std::string rounded_to(double x, bool whole) {
  if (std::isnan(x)) return "-";
  if (std::isinf(x)) return x > 0 ? "never" : "-never";
  if (std::abs(x) >= 1000 || (whole && x == std::round(x))) return fmt::format("{:.0f}", x);
  // Two significant digits at least: 0.00083, 3.1e-05.
  return x != 0 && std::abs(x) < 0.00095 ? fmt::format("{:.2g}", x) : fmt::format("{:.4f}", x);
}

// Formats a number with its sign.
std::string change(double x) { return fmt::format("{}{}", x > 0 ? "+" : "", rounded(x)); }

std::string between(const statistics::Interval& i, std::string (*text)(double)) {
  return std::isnan(i.low) ? "-" : fmt::format("[{}, {}]", text(i.low), text(i.high));
}

// Returns variant and setting, without the column that separates the tables.
Cells key(const Comparison& c, const std::string& variant, const Cells& setting) {
  Cells out = {variant};
  for (std::size_t i = 0; i < setting.size(); ++i)
    if (c.varied[i] != c.by) out.push_back(setting[i]);
  return out;
}

// Returns the table of values.
TextTable measured(const Comparison& c, const std::vector<const ComparedRow*>& rows) {
  const bool times = may_never_come(c.metric), swept = c.has_solved && !c.varied.empty();
  Cells head = times ? Cells{c.metric, "never"} : Cells{c.metric, "95% interval", "stddev"};
  head = joined(head, {"trials", "incomplete"});
  if (swept) head.emplace_back("solved");
  if (!c.budget.empty()) head = joined(head, {c.budget, "mismatch"});
  std::vector<Cells> table = {joined(key(c, "variant", c.varied), head)};
  for (const ComparedRow* r : rows) {
    Cells cells = {times ? rounded_steps(r->center) : rounded(r->center)};
    if (times)
      cells.push_back(fmt::format("{} of {}", r->never(), r->values.size()));
    else
      cells = joined(cells, {between(r->interval, rounded), rounded(r->stddev)});
    cells = joined(cells, {count(r->values.size()), count(r->incomplete)});
    if (swept) cells.push_back(fmt::format("{} of {}", r->solved, r->tried));
    if (!c.budget.empty())
      cells = joined(cells, {std::isnan(r->spent) ? "-" : grouped(r->spent), percent(r->mismatch)});
    table.push_back(joined(key(c, r->variant, r->setting), cells));
  }
  return {"", "", table};
}

// Returns the table of differences from the reference; without rows if nothing is compared.
TextTable compared(const Comparison& c, const std::vector<const ComparedRow*>& rows) {
  const bool times = may_never_come(c.metric);
  Cells head = times ? Cells{"difference"} : Cells{"difference", "95% interval"};
  std::vector<Cells> table = {
      joined(key(c, "variant", c.varied), joined(head, {"p", "p_holm", "effect", "pairs", "verdict"}))};
  for (const ComparedRow* r : rows) {
    const Against& a = r->against;
    if (a.verdict.empty()) continue;
    const double difference = a.test.difference;
    Cells cells = {times ? fmt::format("{}{}", difference > 0 ? "+" : "", rounded_steps(difference))
                         : change(difference)};
    if (!times) cells.push_back(between(a.test.interval, change));
    const std::string effect = std::isnan(a.test.effect) ? "-" : fmt::format("{:+.2f}", a.test.effect);
    cells = joined(cells, {rounded(a.test.p), rounded(a.adjusted_p), effect, count(a.test.pairs), a.verdict});
    table.push_back(joined(key(c, r->variant, r->setting), cells));
  }
  if (table.size() == 1) return {};
  const Better better = better_when(c.metric);
  const char* direction = better == Better::larger    ? ", larger is better"
                          : better == Better::smaller ? ", smaller is better"
                                                      : "";
  return {"", fmt::format("{} against {}, paired by seed{}", c.metric, c.reference, direction), table};
}

std::string value_of(const Comparison& c, const ComparedRow& row, const std::string& name) {
  const auto at = std::find(c.varied.begin(), c.varied.end(), name) - c.varied.begin();
  return row.setting[static_cast<std::size_t>(at)];
}

}  // namespace

std::string rounded(double x) { return rounded_to(x, false); }

std::string rounded_steps(double x) { return rounded_to(x, true); }

std::string count(std::size_t n) { return fmt::format("{}", n); }

std::string percent(double share) {
  if (std::isnan(share)) return "-";
  return share == 0 ? "0%" : fmt::format("{:+.2f}%", 100 * share);
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+-e%") == std::string::npos;
}

Cells joined(Cells a, const Cells& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<TextTable> tables(const Comparison& comparison) {
  std::vector<TextTable> out;
  const auto add = [&](TextTable table, const std::string& value) {
    if (!comparison.by.empty()) table.group = fmt::format("{} = {}", comparison.by, value);
    if (!table.rows.empty()) out.push_back(std::move(table));
  };
  for (std::size_t i = 0; i < comparison.rows.size();) {
    const auto value = [&](std::size_t r) {
      return comparison.by.empty() ? "" : value_of(comparison, comparison.rows[r], comparison.by);
    };
    std::vector<const ComparedRow*> rows;
    const std::string here = value(i);
    for (; i < comparison.rows.size() && value(i) == here; ++i) rows.push_back(&comparison.rows[i]);
    add(measured(comparison, rows), here);
    add(compared(comparison, rows), here);
  }
  for (const Comparison& summary : comparison.summary)
    for (TextTable& table : tables(summary)) {
      table.group = fmt::format("mean over {} tasks", summary.tasks);
      out.push_back(std::move(table));
    }
  return out;
}

}  // namespace heed
