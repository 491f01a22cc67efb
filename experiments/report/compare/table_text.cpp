#include "experiments/report/compare/table_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiments/report/compare/table_cells.h"

namespace heed {
namespace {

std::string exact(double x) { return std::isnan(x) ? "" : fmt::format("{}", x); }

// Counts characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Quotes a cell for CSV.
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
  std::string out, group;
  for (const TextTable& table : tables(comparison)) {
    if (table.group != group) out += fmt::format("{}{}\n\n", out.empty() ? "" : "\n", table.group);
    group = table.group;
    if (!table.title.empty()) out += fmt::format("\n{}:\n", table.title);
    out += aligned(table.rows);
  }
  if (!out.empty() && !comparison.notes.empty()) out += '\n';
  for (const std::string& note : comparison.notes) out += note + '\n';
  return out;
}

std::string csv_text(const Comparison& c) {
  Cells head = {c.metric, "stddev", "interval_low", "interval_high", "trials",         "incomplete",
                "never",  "solved", "tried",        "difference",    "difference_low", "difference_high",
                "p",      "p_holm", "effect",       "pairs",         "left_out",       "verdict"};
  if (!c.budget.empty()) head = joined(head, {"budget", "spent", "mismatch"});
  std::vector<Cells> rows = {joined(joined({"variant"}, c.varied), head)};
  for (const ComparedRow& r : c.rows) {
    const Against& a = r.against;
    rows.push_back(joined(
        joined({r.variant}, r.setting),
        {exact(r.center), exact(r.stddev), exact(r.interval.low), exact(r.interval.high),
         count(r.values.size()), count(r.incomplete), count(r.never()), count(r.solved), count(r.tried),
         exact(a.test.difference), exact(a.test.interval.low), exact(a.test.interval.high), exact(a.test.p),
         exact(a.adjusted_p), exact(a.test.effect), count(a.test.pairs), count(a.left_out), a.verdict}));
    if (!c.budget.empty()) rows.back() = joined(rows.back(), {c.budget, exact(r.spent), exact(r.mismatch)});
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
