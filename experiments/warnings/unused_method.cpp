#include "experiments/warnings/unused_method.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/trial/method.h"
#include "experiments/warnings/with_default.h"

namespace heed {
namespace {

// What a method does: the learning rates of a trial, and some parameters after a few steps.
std::vector<double> done_by(const TrialConfig& trial, const Registry& registry) {
  constexpr Index kMostRates = 10000, kMostSteps = 4;
  const auto schedule = make_schedule(trial, registry);
  const Index steps = trial.train.steps, stride = std::max<Index>(1, steps / kMostRates);
  std::vector<double> out;
  for (Index s = 0; s < steps; s += stride) out.push_back((*schedule)(s));
  out.push_back((*schedule)(steps - 1));
  // Some options act only if the rate is above 0, as weight decay.
  const double rate = std::ranges::max(out) > 0 ? 0.01 : 0;

  Params<double> params;
  params.declare("matrix", 3, 3, Init::normal(1), Role::decayed);
  params.declare("gain", 1, 3, Init::ones(), Role::undecayed);
  params.freeze();
  params.initialize(0);
  const OptimizerInfo& info = registry.optimizer(trial.method.optimizer);
  const auto optimizer = info.make<double>(info.own_options(trial.method.options), params);
  Step<double> step;
  for (Index u = 0; u < std::min(steps, kMostSteps); ++u) {
    Draws draws = Rng(0, "gradients").at(static_cast<std::uint64_t>(u));
    for (double& g : params.grads()) g = draws.normal();
    optimizer->update(step, rate);
  }
  out.insert(out.end(), params.values().begin(), params.values().end());
  return out;
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return std::abs(x - y) <= 1e-12 * (1 + std::abs(x)); });
}

// Returns the trial with other options of its optimizer or schedule.
TrialConfig with_options(TrialConfig trial, const Config& options) {
  for (const Config::Entry& e : options.entries()) trial.method.options.set(e.key, e.value);
  return trial;
}

bool has_effect(const TrialConfig& trial, const TrialConfig& without, const Registry& registry) {
  return !refuse_schedule(without, registry).empty() ||
         !same(done_by(trial, registry), done_by(without, registry));
}

}  // namespace

std::vector<std::string> unused_method_warnings(const Sweep& sweep, const Registry& registry) {
  std::map<std::string, bool> effects;
  std::set<std::string> seen;
  for (const PlannedTrial& t : sweep.trials) {
    if (!seen.insert(to_config(t.config).find("train")->canonical()).second) continue;
    const Entry* const entries[] = {registry.find_optimizer(t.config.method.optimizer),
                                    registry.find_schedule(t.config.method.schedule)};
    for (const Entry* entry : entries)
      for (const OptionInfo& o : entry->options) {
        const WithDefault without = with_default(*entry, entry->own_options(t.config.method.options), o.name);
        if (!without.given) continue;
        bool& effect =
            effects[fmt::format("train.{} ({})", o.name, t.config.method.options.find(o.name)->canonical())];
        effect = effect || !without.options ||
                 has_effect(t.config, with_options(t.config, *without.options), registry);
      }
  }
  std::vector<std::string> out;
  for (const auto& [option, effect] : effects)
    if (!effect) out.push_back(option + " has no effect here: training is the same with the default.");
  return out;
}

}  // namespace heed
