#include "experiments/report/compare/selection.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/trial/measurement_condition.h"

namespace heed {
namespace {

// Returns columns that identify a row among those of its variant; the other columns follow from them. The
// result depends on the order in which columns are tried: first conditions of measurement (including the
// task), then `at`, and last what a variant or a budget sets.
std::vector<bool> identifying_columns(const std::vector<const ComparedRow*>& rows, std::size_t at,
                                      const std::vector<std::string>& paths) {
  const auto rank = [&](std::size_t c) {
    if (is_measurement_condition(paths[c])) return 0;
    if (c == at) return 1;
    return slot_of(paths[c]) == "model.feed_forward" || paths[c].starts_with("attention.") ? 3 : 2;
  };
  std::vector<std::size_t> order(paths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  std::vector<bool> identifying(paths.size(), false);
  for (const std::size_t c : order) identifying[c] = !follows(rows, c, identifying);
  return identifying;
}

std::optional<double> number_in(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool beats(const Group& a, const Group& b, Better better) {
  const double here = statistics::mean(a.validation), there = statistics::mean(b.validation);
  if (std::isnan(here) != std::isnan(there)) return std::isnan(there);
  if (a.row.incomplete != b.row.incomplete) return a.row.incomplete < b.row.incomplete;
  return better == Better::smaller ? here < there : here > there;
}

// Returns whether the selected number is the smallest or the largest one tried.
Edge edge_of(const std::string& chosen, const std::set<double>& tried) {
  const std::optional<double> value = number_in(chosen);
  if (!value || tried.size() < 2) return Edge::none;
  return *value == *tried.begin() ? Edge::smallest : *value == *tried.rbegin() ? Edge::largest : Edge::none;
}

}  // namespace

bool follows(const std::vector<const ComparedRow*>& rows, std::size_t c, const std::vector<bool>& from) {
  std::map<std::vector<std::string>, std::string> seen;
  for (const ComparedRow* row : rows) {
    std::vector<std::string> key = {row->variant};
    for (std::size_t i = 0; i < from.size(); ++i)
      if (from[i]) key.push_back(row->setting[i]);
    if (seen.insert({key, row->setting[c]}).first->second != row->setting[c]) return false;
  }
  return true;
}

Selection select(std::vector<Group> groups, std::size_t at, const std::vector<std::string>& paths,
                 Better better) {
  std::vector<const ComparedRow*> rows;
  for (const Group& g : groups) rows.push_back(&g.row);
  std::vector<bool> kept_apart = identifying_columns(rows, at, paths), chosen(paths.size(), false);
  kept_apart[at] = false;
  std::map<std::vector<std::string>, std::size_t> best;  // by variant and the columns that keep rows apart
  std::map<std::vector<std::string>, std::set<double>> tried;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::vector<std::string> key = {groups[i].row.variant};
    for (std::size_t c = 0; c < paths.size(); ++c)
      if (kept_apart[c]) key.push_back(groups[i].row.setting[c]);
    if (const std::optional<double> value = number_in(groups[i].row.setting[at])) tried[key].insert(*value);
    const auto [found, is_new] = best.insert({key, i});
    if (is_new) continue;
    const std::size_t other = found->second;
    for (std::size_t c = 0; c < paths.size(); ++c)
      if (groups[i].row.setting[c] != groups[other].row.setting[c]) chosen[c] = true;
    const bool wins = beats(groups[i], groups[other], better);
    const std::size_t winner = wins ? i : other, loser = wins ? other : i;
    groups[winner].row.solved += groups[loser].row.solved;
    groups[winner].row.tried += groups[loser].row.tried;
    found->second = winner;
  }
  std::vector<std::size_t> winners;
  for (const auto& [key, i] : best) {
    winners.push_back(i);
    // If no trial has a value, nothing was selected.
    if (!groups[i].validation.empty()) groups[i].row.edge = edge_of(groups[i].row.setting[at], tried[key]);
  }
  std::sort(winners.begin(), winners.end());
  std::vector<Group> kept;
  for (const std::size_t i : winners) kept.push_back(std::move(groups[i]));
  return {std::move(kept), std::move(chosen)};
}

}  // namespace heed
