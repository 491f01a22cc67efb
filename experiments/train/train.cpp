#include "experiments/train/train.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/finite.h"
#include "experiments/system/clock.h"
#include "experiments/trial/stages.h"

namespace heed {
namespace {

// A model during training.
struct Learner {
  Learner(const Stage& stage, const TrialConfig& trial, const Registry& registry, const Task& task,
          int threads, const Ranks& ranks)
      : sized(std::make_unique<SizedModel>(stage.model, registry, trial.seed)),
        training(sized->model, sized->params, task, trial, registry, threads, ranks) {}
  std::unique_ptr<SizedModel> sized;
  Training training;
};

}  // namespace

SizedModel::SizedModel(const ModelSpec& spec, const Registry& registry, std::uint64_t seed)
    : model(spec, registry, params) {
  params.freeze();
  params.initialize(seed);
}

Trained train(const TrialConfig& trial, const Registry& registry, const Task& task, int threads,
              const TrainHooks& hooks, const Ranks& ranks) {
  const std::vector<Stage> stages = stages_of(trial, task);
  std::optional<SavedState> saved;
  if (hooks.resume && ranks.leads()) saved = hooks.resume();
  TrainLog log;
  if (saved) log = saved->log;
  log.steps = ranks.agreed(log.steps);
  // The other ranks have no log of earlier steps, but must know where a rule is asked.
  const bool validated = ranks.agreed(!log.evaluated_at.empty() && log.evaluated_at.back() == log.steps);
  if (validated && !ranks.leads()) log.evaluated_at.push_back(log.steps);

  TrainHooks inner = ranks.leads() ? hooks : TrainHooks();
  if (inner.progress)
    inner.progress = [&hooks, begin = steady_seconds(), began = log.steps](TrialProgress p) {
      p.seconds = steady_seconds() - begin;
      p.began = began;
      hooks.progress(p);
    };
  // A state saved at the end of a stage belongs to that stage: the model has not grown yet.
  auto stage = std::ranges::find_if(stages, [&](const Stage& s) { return log.steps <= s.end; });
  HEED_CHECK(stage != stages.end(), "a training is continued beyond its end");
  auto learner = std::make_unique<Learner>(*stage, trial, registry, task, threads, ranks);
  if (saved) learner->training.continue_from(*saved);
  if (ranks.communicator() && log.steps > 0) learner->training.continue_together(log.steps);
  saved.reset();
  while (learner->training.run(stage->end, log, inner) && ++stage != stages.end()) {
    auto larger = std::make_unique<Learner>(*stage, trial, registry, task, threads, ranks);
    const double change = larger->training.grow_from(learner->training);
    if (!is_finite(change)) {
      log.failure = "the logits before growth are not finite";
      break;
    }
    log.growth_difference.push_back(change);
    learner = std::move(larger);
  }
  return {std::move(learner->sized), std::move(log)};
}

}  // namespace heed
