#include "experiments/table_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace heed {
namespace {

using Cells = std::vector<std::string>;

std::string exact(double x) { return std::isnan(x) ? "" : fmt::format("{}", x); }

// Steps are whole numbers, and show it.
std::string rounded_to(double x, bool whole) {
  if (std::isnan(x)) return "-";
  if (std::isinf(x)) return x > 0 ? "never" : "-never";
  if (std::abs(x) >= 1000 || (whole && x == std::round(x))) return fmt::format("{:.0f}", x);
  return x != 0 && std::abs(x) < 0.00005 ? fmt::format("{:.0e}", x) : fmt::format("{:.4f}", x);
}

std::string rounded(double x) { return rounded_to(x, false); }

// With its sign.
std::string change(double x) { return fmt::format("{}{}", x > 0 ? "+" : "", rounded(x)); }

std::string between(const statistics::Interval& i, std::string (*text)(double)) {
  return std::isnan(i.low) ? "-" : fmt::format("[{}, {}]", text(i.low), text(i.high));
}

std::string count(std::size_t n) { return fmt::format("{}", n); }

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+-e%") == std::string::npos;
}

// Characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Variant and setting, without what tells one table from the next.
Cells key(const Comparison& c, const std::string& variant, const Cells& setting) {
  Cells out = {variant};
  for (std::size_t i = 0; i < setting.size(); ++i)
    if (c.varied[i] != c.by) out.push_back(setting[i]);
  return out;
}

Cells joined(Cells a, const Cells& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// What was measured.
std::string measured(const Comparison& c, const std::vector<const ComparedRow*>& rows) {
  const bool times = may_never_come(c.metric), swept = c.knows_solved && !c.varied.empty();
  Cells head = times ? Cells{c.metric, "never"} : Cells{c.metric, "95% interval", "deviation"};
  head = joined(head, {"trials", "not_done"});
  if (swept) head.emplace_back("solved");
  std::vector<Cells> table = {joined(key(c, "variant", c.varied), head)};
  for (const ComparedRow* r : rows) {
    Cells cells = {rounded_to(r->center, times)};
    if (times)
      cells.push_back(fmt::format("{} of {}", r->never(), r->values.size()));
    else
      cells = joined(cells, {between(r->interval, rounded), rounded(r->deviation)});
    cells = joined(cells, {count(r->values.size()), count(r->not_done)});
    if (swept) cells.push_back(fmt::format("{} of {}", r->solved, r->tried));
    table.push_back(joined(key(c, r->variant, r->setting), cells));
  }
  return aligned(table);
}

// How it compares with the reference; empty where nothing is compared.
std::string compared(const Comparison& c, const std::vector<const ComparedRow*>& rows) {
  const bool times = may_never_come(c.metric);
  Cells head = times ? Cells{"difference"} : Cells{"difference", "95% interval"};
  std::vector<Cells> table = {
      joined(key(c, "variant", c.varied), joined(head, {"p", "p_holm", "effect", "pairs", "verdict"}))};
  for (const ComparedRow* r : rows) {
    const Against& a = r->against;
    if (a.verdict.empty()) continue;
    const double difference = a.test.difference;
    Cells cells = {times ? fmt::format("{}{}", difference > 0 ? "+" : "", rounded_to(difference, true))
                         : change(difference)};
    if (!times) cells.push_back(between(a.test.interval, change));
    const std::string effect = std::isnan(a.test.effect) ? "-" : fmt::format("{:+.2f}", a.test.effect);
    cells = joined(cells, {rounded(a.test.p), rounded(a.adjusted_p), effect, count(a.test.pairs), a.verdict});
    table.push_back(joined(key(c, r->variant, r->setting), cells));
  }
  if (table.size() == 1) return "";
  const Better better = better_when(c.metric);
  const char* direction = better == Better::larger    ? ", larger is better"
                          : better == Better::smaller ? ", smaller is better"
                                                      : "";
  return fmt::format("\n{} against {}, paired by seed{}:\n{}", c.metric, c.reference, direction,
                     aligned(table));
}

std::string value_of(const Comparison& c, const ComparedRow& row, const std::string& name) {
  const auto at = std::find(c.varied.begin(), c.varied.end(), name) - c.varied.begin();
  return row.setting[static_cast<std::size_t>(at)];
}

// A cell as CSV has it.
std::string quoted(std::string cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  for (std::size_t q = 0; (q = cell.find('"', q)) != std::string::npos; q += 2) cell.insert(q, 1, '"');
  return fmt::format("\"{}\"", cell);
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  const auto is_empty = [&](std::size_t c) {
    return std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) { return row[c].empty(); });
  };
  std::vector<std::size_t> widths(rows[0].size());
  std::vector<bool> numbers(rows[0].size(), rows.size() > 1);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      widths[c] = std::max(widths[c], width(rows[r][c]));
      if (r > 0 && !is_number(rows[r][c])) numbers[c] = false;
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (rows.size() > 1 && is_empty(c)) continue;
      const std::string padding(widths[c] - width(row[c]), ' ');
      line += (c ? "  " : "") + (numbers[c] ? padding + row[c] : row[c] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string table_text(const Comparison& comparison) {
  std::string out;
  for (std::size_t i = 0; i < comparison.rows.size();) {
    const auto value = [&](std::size_t r) {
      return comparison.by.empty() ? "" : value_of(comparison, comparison.rows[r], comparison.by);
    };
    std::vector<const ComparedRow*> rows;
    const std::string here = value(i);
    for (; i < comparison.rows.size() && value(i) == here; ++i) rows.push_back(&comparison.rows[i]);
    if (!comparison.by.empty())
      out += fmt::format("{}{} = {}\n\n", out.empty() ? "" : "\n", comparison.by, here);
    out += measured(comparison, rows) + compared(comparison, rows);
  }
  if (!out.empty() && !comparison.notes.empty()) out += '\n';
  for (const std::string& note : comparison.notes) out += note + '\n';
  return out;
}

std::string csv_text(const Comparison& c) {
  const Cells head = {
      c.metric, "deviation", "interval_low", "interval_high", "trials",         "not_done",
      "never",  "solved",    "tried",        "difference",    "difference_low", "difference_high",
      "p",      "p_holm",    "effect",       "pairs",         "left_out",       "verdict"};
  std::vector<Cells> rows = {joined(joined({"variant"}, c.varied), head)};
  for (const ComparedRow& r : c.rows) {
    const Against& a = r.against;
    rows.push_back(joined(
        joined({r.variant}, r.setting),
        {exact(r.center), exact(r.deviation), exact(r.interval.low), exact(r.interval.high),
         count(r.values.size()), count(r.not_done), count(r.never()), count(r.solved), count(r.tried),
         exact(a.test.difference), exact(a.test.interval.low), exact(a.test.interval.high), exact(a.test.p),
         exact(a.adjusted_p), exact(a.test.effect), count(a.test.pairs), count(a.left_out), a.verdict}));
  }
  std::string out;
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      if (row[i] != "-") out += quoted(row[i]);
    }
    out += '\n';
  }
  return out;
}

}  // namespace heed
