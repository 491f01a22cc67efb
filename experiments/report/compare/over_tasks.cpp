#include "experiments/report/compare/over_tasks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/report/compare/pairing.h"

namespace heed {
namespace {

// The rows of a variant at one setting, one for each task; null if there is none.
struct TaskRows {
  std::vector<const ComparedRow*> rows;
  // Returns the index of a seed's value in each row; empty if a row has none.
  std::vector<std::size_t> find(const std::string& seed) const {
    std::vector<std::size_t> out;
    for (const ComparedRow* row : rows) {
      const auto at = row ? std::ranges::find(row->seeds, seed) : std::vector<std::string>::const_iterator();
      if (!row || at == row->seeds.end()) return {};
      out.push_back(static_cast<std::size_t>(at - row->seeds.begin()));
    }
    return out;
  }
};

ComparedRow mean_row(const TaskRows& of, const std::vector<std::string>& setting) {
  const auto first = std::ranges::find_if(of.rows, [](const ComparedRow* r) { return r != nullptr; });
  ComparedRow out;
  out.variant = (*first)->variant;
  out.setting = setting;
  out.is_reference = (*first)->is_reference;
  for (const ComparedRow* row : of.rows)
    if (row) out.incomplete += row->incomplete, out.solved += row->solved, out.tried += row->tried;
  for (const std::string& seed : (*first)->seeds) {
    const std::vector<std::size_t> at = of.find(seed);
    if (at.empty()) continue;
    double sum = 0;
    for (std::size_t t = 0; t < at.size(); ++t) sum += of.rows[t]->values[at[t]];
    out.seeds.push_back(seed);
    out.values.push_back(sum / static_cast<double>(at.size()));
  }
  out.center = statistics::mean(out.values);
  out.stddev = statistics::stddev(out.values);
  out.interval = statistics::bootstrap_mean(out.values);
  return out;
}

// Compares two means over the seeds that both have, if all of their trials were measured alike.
void compare_means(ComparedRow& row, const TaskRows& rows, const ComparedRow& reference,
                   const TaskRows& of_reference, const Measurement& measurement) {
  std::vector<double> theirs, own;
  for (std::size_t i = 0; i < row.seeds.size(); ++i) {
    const auto same = std::ranges::find(reference.seeds, row.seeds[i]);
    if (same == reference.seeds.end()) continue;
    const std::vector<std::size_t> here = rows.find(row.seeds[i]), there = of_reference.find(row.seeds[i]);
    bool alike = true;
    for (std::size_t t = 0; t < here.size(); ++t)
      alike =
          alike && measurement.alike(rows.rows[t]->trials[here[t]], of_reference.rows[t]->trials[there[t]]);
    if (!alike) {
      ++row.against.unlike;
      continue;
    }
    own.push_back(row.values[i]);
    theirs.push_back(reference.values[static_cast<std::size_t>(same - reference.seeds.begin())]);
  }
  row.against.left_out = row.seeds.size() + reference.seeds.size() - 2 * (own.size() + row.against.unlike);
  row.against.test = statistics::compare_means(theirs, own);
}

void adjust(Comparison& comparison) {
  std::vector<double> p;
  for (const ComparedRow& row : comparison.rows) p.push_back(row.against.test.p);
  const std::vector<double> adjusted = statistics::holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::isnan(p[i])) continue;
    Against& against = comparison.rows[i].against;
    against.adjusted_p = adjusted[i];
    against.verdict = verdict_of(comparison.metric, against.test.difference, adjusted[i]);
  }
}

}  // namespace

std::optional<Comparison> over_tasks(const Comparison& comparison, const Measurement& measurement) {
  const auto task =
      static_cast<std::size_t>(std::ranges::find(comparison.paths, "task") - comparison.paths.begin());
  if (task == comparison.paths.size() || may_never_come(comparison.metric)) return std::nullopt;
  std::vector<std::string> tasks;
  for (const ComparedRow& row : comparison.rows)
    if (std::ranges::find(tasks, row.setting[task]) == tasks.end()) tasks.push_back(row.setting[task]);
  if (tasks.size() < 2) return std::nullopt;

  Comparison out;
  out.metric = comparison.metric;
  out.reference = comparison.reference;
  out.has_solved = comparison.has_solved;
  out.tasks = tasks.size();
  const std::vector<bool> free = free_columns(comparison);
  std::vector<std::size_t> kept;
  for (std::size_t c = 0; c < free.size(); ++c)
    if (c != task && (!free[c] || comparison.fixed[c])) {
      kept.push_back(c);
      out.varied.push_back(comparison.varied[c]);
      out.paths.push_back(comparison.paths[c]);
      out.chosen.push_back(false);
      out.fixed.push_back(comparison.fixed[c]);
      out.own.push_back(comparison.own[c]);
    }

  std::vector<std::vector<std::string>> order;  // of the groups: variant and setting
  std::map<std::vector<std::string>, TaskRows> groups;
  for (const ComparedRow& row : comparison.rows) {
    std::vector<std::string> key = {row.variant};
    for (const std::size_t c : kept) key.push_back(row.setting[c]);
    TaskRows& group = groups[key];
    if (group.rows.empty()) {
      order.push_back(key);
      group.rows.resize(tasks.size());
    }
    const ComparedRow*& place =
        group.rows[static_cast<std::size_t>(std::ranges::find(tasks, row.setting[task]) - tasks.begin())];
    if (place) return std::nullopt;
    place = &row;
  }
  for (const auto& key : order) out.rows.push_back(mean_row(groups.at(key), {key.begin() + 1, key.end()}));
  for (std::size_t i = 0; i < out.rows.size(); ++i) {
    if (out.rows[i].is_reference) continue;
    const ComparedRow* partner = partner_of(out.rows[i], out, out.fixed);
    if (!partner) continue;
    const auto at = static_cast<std::size_t>(partner - out.rows.data());
    compare_means(out.rows[i], groups.at(order[i]), *partner, groups.at(order[at]), measurement);
  }
  adjust(out);
  return out;
}

}  // namespace heed
