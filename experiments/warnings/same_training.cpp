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

// What decides the training of a trial, except the schedule and train.micro_batch.
std::string other_key(TrialConfig trial, const Registry& registry) {
  const TrainOptions defaults;
  trial.variant.clear();
  trial.train.lr = defaults.lr, trial.train.warmup = defaults.warmup;
  trial.train.micro_batch = defaults.micro_batch;
  trial.train.evaluate_every = defaults.evaluate_every;
  trial.train.evaluate_sequences = defaults.evaluate_sequences;
  trial.train.test_sequences = defaults.test_sequences;
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

// How a model is evaluated during and after its training.
std::string evaluation_key(const TrainOptions& train) {
  return fmt::format("{} {} {}", train.evaluation_interval(), train.evaluate_sequences, train.test_sequences);
}

std::string row_name(const PlannedTrial& t) {
  return t.setting.empty() ? t.config.variant : fmt::format("{} ({})", t.config.variant, t.setting);
}

std::string rows_text(const std::vector<const PlannedTrial*>& rows) {
  std::vector<std::string> names;
  for (const PlannedTrial* t : rows) names.push_back(row_name(*t));
  const std::string final_name = std::move(names.back());
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), final_name);
}

// Adds a warning if rows are not trained at all.
void add_untrained(const Sweep& sweep, std::vector<std::string>& out) {
  const auto untrained =
      std::ranges::count_if(sweep.trials, [](const PlannedTrial& t) { return t.config.train.lr == 0; });
  if (untrained > 0)
    out.push_back(fmt::format("train.lr is 0 in {} of {} trials: nothing is trained in them.", untrained,
                              sweep.trials.size()));
}

// Adds a warning for rows with the same steps, unless it is reported already.
void add_same(const std::vector<const PlannedTrial*>& rows, const Registry& registry,
              std::set<std::set<std::string>>& reported, std::vector<std::string>& out) {
  std::set<std::string> schedules, evaluations, keys;
  for (const PlannedTrial* t : rows) {
    const std::string schedule = schedule_key(t->config, registry),
                      evaluation = evaluation_key(t->config.train);
    schedules.insert(schedule), evaluations.insert(evaluation),
        keys.insert(fmt::format("{}\n{}", schedule, evaluation));
  }
  if (rows.size() < 2 || !reported.insert(keys).second) return;
  const char* differ = evaluations.size() == 1 ? "by rounding and by speed only"
                       : schedules.size() == 1
                           ? "only in how the same model is evaluated"
                           : "by rounding, by speed and in how the same model is evaluated";
  out.push_back(fmt::format("{} train the same: their results can differ {}.", rows_text(rows), differ));
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
  add_untrained(sweep, out);
  for (const std::vector<const PlannedTrial*>& trials : groups) {
    left -= static_cast<double>(trials.size()) * static_cast<double>(trials.front()->config.train.steps);
    if (trials.size() < 2 || left < 0) continue;
    std::vector<Row> rows;
    for (const PlannedTrial* t : trials) rows.push_back({t, rates_of(t->config, registry)});
    while (rows.size() > 1) {
      const Row first = rows.front();
      const auto others =
          std::stable_partition(rows.begin(), rows.end(), [&](const Row& r) { return same_rates(first, r); });
      std::vector<const PlannedTrial*> same;
      for (auto r = rows.begin(); r != others; ++r) same.push_back(r->trial);
      add_same(same, registry, reported, out);
      rows.erase(rows.begin(), others);
    }
  }
  return out;
}

}  // namespace heed
