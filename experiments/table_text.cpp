#include "experiments/table_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace heed {
namespace {

std::string exact(double x) { return std::isnan(x) ? "-" : fmt::format("{}", x); }

std::string rounded(double x) {
  if (std::isnan(x)) return "-";
  return std::abs(x) >= 1000 ? fmt::format("{:.0f}", x) : fmt::format("{:.4f}", x);
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+-e%") == std::string::npos;
}

// Characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<std::vector<std::string>> cells(const Comparison& c, std::string (*text)(double)) {
  std::vector<std::string> head = {"variant"};
  head.insert(head.end(), c.varied.begin(), c.varied.end());
  const std::vector<std::string> tail = {c.metric, "deviation", "trials", "not_done"};
  head.insert(head.end(), tail.begin(), tail.end());
  std::vector<std::vector<std::string>> rows = {head};
  for (const ComparedRow& r : c.rows) {
    std::vector<std::string> row = {r.variant};
    row.insert(row.end(), r.setting.begin(), r.setting.end());
    row.insert(row.end(), {text(r.mean()), text(r.deviation()), fmt::format("{}", r.values.size()),
                           fmt::format("{}", r.not_done)});
    rows.push_back(std::move(row));
  }
  return rows;
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
  std::string out = aligned(cells(comparison, rounded));
  for (const std::string& note : comparison.notes) out += note + '\n';
  return out;
}

std::string csv_text(const Comparison& comparison) {
  std::string out;
  for (const auto& row : cells(comparison, exact)) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      std::string cell = row[c] == "-" ? "" : row[c];
      if (cell.find_first_of(",\"\n") != std::string::npos) {
        for (std::size_t q = 0; (q = cell.find('"', q)) != std::string::npos; q += 2) cell.insert(q, 1, '"');
        cell = fmt::format("\"{}\"", cell);
      }
      out += (c ? "," : "") + cell;
    }
    out += '\n';
  }
  return out;
}

}  // namespace heed
