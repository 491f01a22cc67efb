#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/optimizer.h"
#include "core/registry.h"
#include "core/schedule.h"
#include "core/task.h"
#include "experiments/train/trial.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// How well a model does on a split.
struct Evaluation {
  double loss = 0;      // mean over scored positions
  double accuracy = 0;  // share of scored positions whose likeliest token is the label
  double accuracy_macro =
      0;  // mean over labels of the accuracy on positions with that label (the MAD papers' measure)
  Index scored = 0;  // 0: the split is empty, and the other numbers mean nothing
};

// On `sequences` sequences of a split, or on all of a split that has fewer; evenly spread where it has more.
// sequences 0: all of a finite split.
Evaluation evaluate(Model<float>& model, Step<float>& step, const Task& task, Split split, Index sequences,
                    Index batch);

// What a training leaves: one number per update, and one per validation.
struct TrainLog {
  std::vector<double> loss, gradient_norm;  // of update 0, 1, ...
  std::vector<std::int64_t> evaluated_at;   // updates done before the validation
  std::vector<double> validation_loss, validation_accuracy;
  std::optional<Evaluation> final_validation;  // after the last update, on the whole of a finite split
  std::vector<double> growth_difference;       // of each growth: the largest change of a logit
  std::string failure;                         // why it stopped early; empty when it did not
  Index updates = 0;                           // that were done
  double seconds = 0;                          // in updates, without validations
  double processor_seconds = 0;                // of processes that went before this one
  double wall_seconds = 0;  // of all of them until the checkpoint was saved, all work included
  bool left = false;        // it stopped between two updates because it was asked to
};

// The updates before the first validation whose accuracy has left the plateau of guessing: 0.1 above the
// first one's, or solved, be it before anyone looked; and before the first whose accuracy is above 0.9. NaN
// where none is.
double plateau_step(const TrainLog& log);
double solved_step(const TrainLog& log);

// All that a training is between two updates, besides its configuration: views of its own memory.
struct TrainState {
  std::span<float> values;
  std::span<const OptimizerState<float>> optimizer;
  TrainLog& log;
};

// The same with memory of its own.
struct SavedState {
  struct Vector {
    std::string name;
    std::vector<float> values;
  };
  std::vector<float> values;
  std::vector<Vector> optimizer;  // its state
  TrainLog log;
};

// What a training asks from outside.
struct TrainHooks {
  std::function<void(Index)> updated = {};                  // after each update: so many are done
  std::function<void(const TrialProgress&)> progress = {};  // after its validation, where there is one
  std::function<std::optional<SavedState>()> resume = {};   // nothing: it begins at the beginning
  std::function<bool(const TrainState&)> leave = {};        // asked between two updates; true: it stops there
};

// The training of one model, update by update. Update s learns from sequences s*batch .. s*batch + batch-1 of
// the training split: the same for every variant. `model`, `params` and `task` outlive it.
class Training {
 public:
  Training(Model<float>& model, Params<float>& params, const Task& task, const TrialConfig& trial,
           const Registry& registry, int threads);

  struct Update {
    double loss, gradient_norm;  // of the batch before the update; the norm before clipping
    bool finite() const;
  };
  // Batch, forward, loss, backward, clip, optimizer step. If a number is not finite, the parameters do not
  // change.
  Update update(Index s);

  // Updates, validations and records, from where the log stands until `end` updates are done. Stops at the
  // first number that is not finite, or when it is asked to leave; the log then says why, and it is false.
  bool run(Index end, TrainLog& log, const TrainHooks& hooks);

  void continue_from(const SavedState& saved);
  // Takes over what a smaller model has learned, and what its optimizer remembers (core/model/growth.h). The
  // largest change of a logit, over sequences of the next update; NaN where logits of the smaller model are
  // not finite already, so that it has diverged. Error where the function is another one.
  double grow_from(Training& smaller);

 private:
  TrainState state(TrainLog& log) { return {params_.values(), optimizer_->state(), log}; }
  void fill(Index s);                                   // with the batch of update s
  std::vector<float> logits(Index s, Index sequences);  // of the first sequences of update s

  Model<float>& model_;
  Params<float>& params_;
  TrainOptions options_;
  std::uint64_t seed_;
  Step<float> step_, evaluation_step_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  std::unique_ptr<Schedule> learning_rate_;
  Sequences room_;
};

// The steps between two validations.
Index evaluation_interval(const TrainOptions& options);

}  // namespace heed
