#include "experiments/report/panels.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace heed::report {

bool follows(const Comparison& comparison, std::size_t c, const std::vector<bool>& given) {
  std::map<std::vector<std::string>, std::string> seen;
  for (const ComparedRow& row : comparison.rows) {
    std::vector<std::string> others = {row.variant};
    for (std::size_t i = 0; i < given.size(); ++i)
      if (i != c && given[i]) others.push_back(row.setting[i]);
    if (seen.insert({others, row.setting[c]}).first->second != row.setting[c]) return false;
  }
  return true;
}

std::vector<Panel> split_into_panels(const Comparison& comparison, std::optional<std::size_t> along) {
  std::vector<bool> kept(comparison.varied.size(), true);
  for (std::size_t c = 0; c < kept.size(); ++c) kept[c] = !comparison.is_chosen(c);
  // Starts at the last column, so that of two columns that change together the first one names the panels.
  for (std::size_t c = kept.size(); c-- > 0;)
    if (along != c && follows(comparison, c, kept)) kept[c] = false;
  if (along) kept[*along] = false;

  std::vector<Panel> panels;
  std::map<std::string, std::size_t> places;
  for (const ComparedRow& row : comparison.rows) {
    std::string title;
    for (std::size_t c = 0; c < kept.size(); ++c)
      if (kept[c])
        title += fmt::format("{}{} = {}", title.empty() ? "" : ", ", comparison.varied[c], row.setting[c]);
    const auto [at, is_new] = places.insert({title, panels.size()});
    if (is_new) panels.push_back({title, {}});
    panels[at->second].rows.push_back(&row);
  }
  return panels;
}

std::string at(const std::string& title) { return title.empty() ? "" : " at " + title; }

std::vector<double> heights_of(const Comparison& comparison) {
  std::vector<double> heights;
  for (const ComparedRow& row : comparison.rows)
    heights.insert(heights.end(), {row.center, row.interval.low, row.interval.high});
  return heights;
}

}  // namespace heed::report
