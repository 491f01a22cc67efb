#include "experiments/report/compare/groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace heed {

std::vector<Group> group(const Trials& trials, std::size_t& twice) {
  std::map<std::vector<std::string>, std::size_t> rows;
  std::map<std::string, std::size_t> places;  // of variants, by their first trial
  std::vector<Group> groups;
  for (std::size_t i = 0; i < trials.variant.size(); ++i) {
    places.insert({trials.variant[i], i});
    std::vector<std::string> key = {trials.variant[i]};
    for (const Varied& v : trials.varied) key.push_back(v.values[i]);
    const auto [at, is_new] = rows.insert({key, groups.size()});
    if (is_new) {
      groups.emplace_back();
      groups.back().row.variant = trials.variant[i];
      groups.back().row.is_reference = trials.reference[i];
      groups.back().row.setting.assign(key.begin() + 1, key.end());
    }
    ComparedRow& row = groups[at->second].row;
    if (std::find(row.seeds.begin(), row.seeds.end(), trials.seed[i]) != row.seeds.end()) {
      ++twice;
      continue;
    }
    ++row.tried, row.solved += trials.solved(i);
    row.incomplete += !trials.done(i);
    if (!trials.budget.empty() && !std::isnan(trials.spent[i])) {
      groups[at->second].spent.push_back(trials.spent[i]);
      groups[at->second].mismatch.push_back(trials.mismatch[i]);
    }
    if (!trials.done(i) || std::isnan(trials.value[i])) continue;
    row.seeds.push_back(trials.seed[i]);
    row.values.push_back(trials.value[i]);
    row.trials.push_back(i);
    if (!trials.validation.empty()) groups[at->second].validation.push_back(trials.validation[i]);
  }
  // The plan mixes variants; a table has the rows of each variant together.
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return places.at(a.row.variant) < places.at(b.row.variant);
  });
  return groups;
}

void summarize(ComparedRow& row, const std::string& metric) {
  if (may_never_come(metric)) {
    row.center = statistics::median_time(row.values);
    return;
  }
  row.center = statistics::mean(row.values);
  row.stddev = statistics::stddev(row.values);
  row.interval = statistics::bootstrap_mean(row.values);
}

}  // namespace heed
