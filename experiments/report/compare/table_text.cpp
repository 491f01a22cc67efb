#include "experiments/report/compare/table_text.h"

#include <algorithm>
#include <cmath>
#include <sstream>

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

struct TextColumn {
  std::size_t width = 0;
  bool numbers = true;   // right-aligned
  bool is_empty = true;  // left out
};

std::vector<TextColumn> columns_of(const std::vector<Cells>& rows) {
  std::vector<TextColumn> out(rows[0].size());
  for (TextColumn& column : out) column.numbers = column.is_empty = rows.size() > 1;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      out[c].width = std::max(out[c].width, width(rows[r][c]));
      if (r > 0 && !is_number(rows[r][c])) out[c].numbers = false;
      if (r > 0 && !rows[r][c].empty()) out[c].is_empty = false;
    }
  return out;
}

// Breaks a cell at spaces into lines of at most `most` characters; a longer word has a line of its own.
std::vector<std::string> lines_of(const std::string& cell, std::size_t most) {
  std::vector<std::string> lines;
  std::istringstream words(cell);
  for (std::string word; words >> word;)
    if (!lines.empty() && width(lines.back()) + 1 + width(word) <= most)
      lines.back() += ' ' + word;
    else
      lines.push_back(word);
  return lines;
}

// Makes the widest column of words narrower if the columns together are wider than `most`.
void break_widest(std::vector<TextColumn>& columns, const std::vector<Cells>& rows, std::size_t most) {
  std::size_t total = 0, widest = columns.size();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].is_empty) continue;
    total += columns[c].width + (total > 0 ? 2 : 0);
    if (!columns[c].numbers && (widest == columns.size() || columns[c].width > columns[widest].width))
      widest = c;
  }
  if (total <= most || widest == columns.size()) return;
  const std::size_t excess = total - most;
  std::size_t longest_word = 1;
  for (const Cells& row : rows)
    for (const std::string& word : lines_of(row[widest], 0))
      longest_word = std::max(longest_word, width(word));
  std::size_t& to = columns[widest].width;
  to = std::max(longest_word, to > excess ? to - excess : 0);
}

// Returns a line of a row, of whose cells some have fewer lines.
std::string line_of(const std::vector<TextColumn>& columns,
                    const std::vector<std::vector<std::string>>& cells, std::size_t i) {
  std::string line;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (columns[c].is_empty) continue;
    const std::string cell = i < cells[c].size() ? cells[c][i] : "";
    const std::string padding(columns[c].width - width(cell), ' ');
    line += (c ? "  " : "") + (columns[c].numbers ? padding + cell : cell + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

// Quotes a cell for CSV.
std::string quoted(std::string cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  for (std::size_t q = 0; (q = cell.find('"', q)) != std::string::npos; q += 2) cell.insert(q, 1, '"');
  return fmt::format("\"{}\"", cell);
}

// Joins cells by commas; "-" stands for a missing value.
std::string csv_line(const Cells& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    if (cells[i] != "-") out += quoted(cells[i]);
  }
  return out + '\n';
}

// Returns the setting of a row in the columns of `all`. The mean over several tasks has "mean over 3 tasks"
// as its task, and nothing for what differs between them.
Cells setting_in(const Comparison& all, const Comparison& of, const ComparedRow& row) {
  Cells out;
  for (const std::string& path : all.paths) {
    const auto at = static_cast<std::size_t>(std::ranges::find(of.paths, path) - of.paths.begin());
    out.push_back(at < of.paths.size() ? row.setting[at]
                  : path == kTasks     ? fmt::format("mean over {} tasks", of.tasks)
                                       : "");
  }
  return out;
}

// A row of the comparison `of`, which is `all` or its summary.
Cells csv_cells(const Comparison& all, const Comparison& of, const ComparedRow& r) {
  const Against& a = r.against;
  Cells cells = joined(
      joined({r.variant}, setting_in(all, of, r)),
      {exact(r.center), exact(r.stddev), exact(r.interval.low), exact(r.interval.high),
       count(r.values.size()), count(r.incomplete), count(r.never()), count(r.solved), count(r.tried),
       exact(a.test.difference), exact(a.test.interval.low), exact(a.test.interval.high), exact(a.test.p),
       exact(a.adjusted_p), exact(a.test.effect), count(a.test.pairs), count(a.left_out), a.verdict});
  if (!all.budget.empty()) cells = joined(cells, {all.budget, exact(r.spent), exact(r.mismatch)});
  return cells;
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t most) {
  if (rows.empty()) return "";
  std::vector<TextColumn> columns = columns_of(rows);
  break_widest(columns, rows, most);
  std::string out;
  for (const auto& row : rows) {
    std::vector<std::vector<std::string>> cells;  // the lines of each
    std::size_t lines = 1;
    for (std::size_t c = 0; c < row.size(); ++c) {
      cells.push_back(width(row[c]) > columns[c].width ? lines_of(row[c], columns[c].width)
                                                       : std::vector<std::string>{row[c]});
      lines = std::max(lines, cells.back().size());
    }
    for (std::size_t i = 0; i < lines; ++i) out += line_of(columns, cells, i);
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
  std::string out = csv_line(joined(joined({"variant"}, c.varied), head));
  for (const ComparedRow& row : c.rows) out += csv_line(csv_cells(c, c, row));
  for (const Comparison& summary : c.summary)
    for (const ComparedRow& row : summary.rows) out += csv_line(csv_cells(c, summary, row));
  return out;
}

}  // namespace heed
