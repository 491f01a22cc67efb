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
#include "core/orders.h"
#include "core/passes.h"
#include "core/registry.h"
#include "core/schedule.h"
#include "core/task.h"
#include "experiments/train/calibration.h"
#include "experiments/train/ranks.h"
#include "experiments/train/trial.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// How many bins accuracy by depth has (DepthTraits): bin i is depths from i/10, up to but without (i+1)/10.
constexpr std::size_t kDepthBins = 10;

// The quality of a model on a split.
struct Evaluation {
  double loss = 0;      // mean over scored positions
  double accuracy = 0;  // share of scored positions whose top-1 prediction is the label
  double accuracy_macro =
      0;             // mean over labels of the accuracy on positions with that label (as in the MAD paper)
  Index scored = 0;  // scored positions; if 0, the other numbers have no meaning
  // Accuracy on the labels whose answer is at a depth; NaN for a bin without labels. Empty if the task does
  // not report accuracy by depth.
  std::vector<double> accuracy_by_depth = {};
  double sequence_accuracy = 0;                 // share of sequences whose top-1 predictions are all labels
  std::optional<Calibration> calibration = {};  // if the task asks what was not shown
};

// Evaluates on `sequences` sequences of a split: evenly spaced if a finite split has more, all if it has
// fewer. sequences 0: all of a finite split.
Evaluation evaluate(Model<float>& model, Step<float>& step, const Task& task, Split split, Index sequences,
                    Index batch);

// The record of a training: one number per step, and one per validation.
struct TrainLog {
  std::vector<double> loss, gradient_norm;  // of step 0, 1, ...
  std::vector<std::int64_t> evaluated_at;   // steps done before the validation
  std::vector<double> validation_loss, validation_accuracy;
  std::optional<Evaluation> final_validation;  // after the last step, on the whole of a finite split
  std::vector<double> growth_difference;       // of each growth: the largest change of a logit
  std::string failure;                         // why it could not go on; empty if it could
  std::string stopped;                         // why a rule stopped it (TrainHooks::stop); empty if none did
  Index steps = 0;                             // completed
  double seconds = 0;                          // in steps, without validations
  double processor_seconds = 0;                // of earlier processes of this trial
  double wall_seconds = 0;  // of all of them until the checkpoint was saved, all work included
  bool left = false;        // it stopped between two steps because it was asked to
};

// Returns the number of steps before the first validation that has left the plateau of guessing: its accuracy
// is 0.1 above that of the first validation, or above 0.9. NaN if there is none.
double plateau_step(const TrainLog& log);
// Returns the number of steps before the first validation with an accuracy above 0.9. NaN if there is none.
double solved_step(const TrainLog& log);

// The state of a training between two steps, without its configuration. Views of the training's memory.
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

// Functions that a training calls. Each may be empty.
struct TrainHooks {
  std::function<void(Index)> after_step = {};  // after each step; gets the number of completed steps
  std::function<void(const TrialProgress&)> progress =
      {};  // after each step and its validation, if there is one
  std::function<std::optional<SavedState>()> resume = {};  // nullopt: start at step 0
  // Called after a validation that is not the last one, and if a training continues there. Returns why the
  // training stops, or an empty string.
  std::function<std::string(const TrainState&)> stop = {};
  std::function<bool(const TrainState&)> leave = {};  // called after each step; true: stop, except at the end
};

// The training of one model. Step s learns from sequences s*batch .. s*batch + batch-1 of the training split,
// the same for every variant. With task.train_sequences, these numbers are places in an order that repeats
// the first sequences (core/passes.h). If the task has orders (OrderTraits), training reads random ones, and
// evaluation the given one. Requires: `model`, `params` and `task` outlive it.
//
// Of several ranks, each calls the same functions with the same arguments, except for hooks, of which only
// rank 0 may have some. The model is then divided, and all ranks have the same numbers.
class Training {
 public:
  Training(Model<float>& model, Params<float>& params, const Task& task, const TrialConfig& trial,
           const Registry& registry, int threads, const Ranks& ranks = Ranks());

  struct StepResult {
    double loss, gradient_norm;  // of the batch before the step; the norm before clipping
    bool finite() const;
  };
  // Performs one training step: batch, forward, loss, backward, clip, optimizer step. If the loss or the
  // gradient norm is not finite, the parameters do not change.
  StepResult train_step(Index s);

  // Trains from log.steps to `end`, with validations, and appends to the log. Returns false if it stopped
  // earlier: at the first number that is not finite (log.failure has the reason), because hooks.stop
  // returned a reason (log.stopped), or because hooks.leave returned true (log.left).
  bool run(Index end, TrainLog& log, const TrainHooks& hooks);

  void continue_from(const SavedState& saved);
  // Continues on all ranks from the state that rank 0 continues from, which is after this many steps.
  void continue_together(Index steps);
  // Copies the parameters and the optimizer state of a smaller model (core/model/growth.h). Returns the
  // largest change of a logit over sequences of the next step, or NaN if the smaller model has diverged
  // (its logits are not finite). Throws: heed::Error if growth changes the function.
  double grow_from(Training& smaller);

 private:
  bool is_stopped(TrainLog& log, const TrainHooks& hooks);
  TrainState state(TrainLog& log) { return {params_.values(), optimizer_->state(), log}; }
  void fill(Index s);                                   // reads the batch of step s into room_
  void reorder(Index s);                                // draws the orders of that batch
  std::vector<float> logits(Index s, Index sequences);  // of the first sequences of step s

  Model<float>& model_;
  Params<float>& params_;
  TrainOptions options_;
  Ranks ranks_;
  std::optional<Passes> passes_;  // with task.train_sequences
  std::uint64_t seed_;
  Step<float> step_, evaluation_step_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  std::unique_ptr<Schedule> learning_rate_;
  Sequences room_;
  std::optional<Annealing> annealing_;
  Orders orders_;
  std::vector<Token> order_;  // of one sequence
  bool continued_ = false;    // from a saved state, and no step has been performed since
};

}  // namespace heed
