#include "experiments/warnings/same_training.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "experiments/trial/method.h"

namespace heed {
namespace {

// A row of the sweep: a variant at a setting, for all seeds.
struct Row {
  const PlannedTrial* trial;
  std::vector<double> rates;  // at each step
};

std::vector<double> rates_of(const TrialConfig& trial, const Registry& registry) {
  const auto schedule = make_schedule(trial, registry);
  std::vector<double> out;
  for (Index s = 0; s < trial.train.steps; ++s) out.push_back((*schedule)(s));
  return out;
}

bool same_rates(const Row& a, const Row& b) {
  constexpr double kSame = 1e-12;  // schedules round in different ways
  return std::ranges::equal(a.rates, b.rates, [](double x, double y) {
    return std::abs(x - y) <= kSame * std::max(std::abs(x), std::abs(y));
  });
}

// What decides the results of a trial, except the schedule and train.micro_batch.
std::string other_key(TrialConfig trial, const Registry& registry) {
  const TrainOptions defaults;
  trial.variant.clear();
  trial.train.lr = defaults.lr, trial.train.warmup = defaults.warmup;
  trial.train.micro_batch = defaults.micro_batch;
  trial.method.schedule.clear();
  trial.method.options = registry.optimizer(trial.method.optimizer).own_options(trial.method.options);
  return to_config(trial).canonical();
}

// The schedule and train.micro_batch, without the peak of the learning rate.
std::string schedule_key(const TrialConfig& trial, const Registry& registry) {
  const Config own = registry.schedule(trial.method.schedule).own_options(trial.method.options);
  return fmt::format("{} {} {} {}", trial.method.schedule, own.canonical(), trial.train.warmup,
                     trial.train.micro_batch);
}

std::string row_name(const PlannedTrial& t) {
  return t.setting.empty() ? t.config.variant : fmt::format("{} ({})", t.config.variant, t.setting);
}

std::string rows_text(std::vector<Row>::const_iterator first, std::vector<Row>::const_iterator last) {
  std::vector<std::string> names;
  for (auto r = first; r != last; ++r) names.push_back(row_name(*r->trial));
  const std::string final_name = std::move(names.back());
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), final_name);
}

}  // namespace

std::vector<std::string> same_training_warnings(const Sweep& sweep, const Registry& registry) {
  constexpr double kMostRates = 1e7;                     // of all rows together: a part of a second
  std::vector<std::vector<const PlannedTrial*>> groups;  // in plan order
  std::map<std::string, std::size_t> group_at;
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.seed != sweep.trials.front().config.seed) continue;
    const auto [at, is_new] = group_at.insert({other_key(t.config, registry), groups.size()});
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(&t);
  }
  double left = kMostRates;
  std::set<std::set<std::string>> reported;  // by the schedules, whatever else the sweep varies
  std::vector<std::string> out;
  for (const std::vector<const PlannedTrial*>& trials : groups) {
    left -= static_cast<double>(trials.size()) * static_cast<double>(trials.front()->config.train.steps);
    if (trials.size() < 2 || left < 0) continue;
    std::vector<Row> rows;
    for (const PlannedTrial* t : trials) rows.push_back({t, rates_of(t->config, registry)});
    while (rows.size() > 1) {
      const Row first = rows.front();
      const auto others =
          std::stable_partition(rows.begin(), rows.end(), [&](const Row& r) { return same_rates(first, r); });
      std::set<std::string> schedules;
      for (auto r = rows.begin(); r != others; ++r)
        schedules.insert(schedule_key(r->trial->config, registry));
      if (others - rows.begin() > 1 && reported.insert(schedules).second)
        out.push_back(rows_text(rows.begin(), others) +
                      " train the same: their results can differ by rounding and by speed only.");
      rows.erase(rows.begin(), others);
    }
  }
  return out;
}

}  // namespace heed
