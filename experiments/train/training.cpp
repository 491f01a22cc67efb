#include "experiments/train/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/finite.h"
#include "core/model/clipping.h"
#include "core/model/growth.h"
#include "core/ops/product_precision.h"
#include "core/task_traits.h"
#include "experiments/system/clock.h"
#include "experiments/trial/method.h"

namespace heed {
namespace {

// Growth must not change the function. It is tested by the logits of kComparedSequences sequences: rounding
// changes them by about 1e-6 of their size, another function by more than kSameFunction.
constexpr Index kComparedSequences = 8;
constexpr double kSameFunction = 1e-3;

// Predictions of one kind.
struct Tally {
  Index scored = 0, correct = 0;

  void add(bool is_correct) { ++scored, correct += is_correct; }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(scored); }
};

double macro(const std::vector<Tally>& of_label) {
  double sum = 0;
  Index labels = 0;
  for (const Tally& t : of_label)
    if (t.scored > 0) sum += t.accuracy(), ++labels;
  return labels ? sum / static_cast<double>(labels) : 0;
}

// Predictions by label, and by depth of the answer if the task says where it is.
class Tallies {
 public:
  explicit Tallies(const Task& task)
      : depth_(dynamic_cast<const DepthTraits*>(&task)),
        by_label_(static_cast<std::size_t>(task.shape().classes)),
        by_depth_(depth_ ? kDepthBins : 0) {}

  // predicted: of each scored label, in order
  void add(const Batch& batch, std::span<const Token> predicted) {
    const std::size_t each = batch.labels.size() / static_cast<std::size_t>(batch.batch);
    std::size_t at = 0;
    bool all = true;  // of this sequence
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      if (i % each == 0 && i > 0) right_ += all, all = true;
      const Token label = batch.labels[i];
      if (label == kUnscored) continue;
      const bool is_correct = predicted[at++] == label;
      all &= is_correct;
      by_label_[static_cast<std::size_t>(label)].add(is_correct);
      if (depth_) add_depth(batch.input.tokens.subspan(i - i % each, each), i % each, is_correct);
    }
    right_ += all;
  }

  Index right() const { return right_; }  // sequences without a wrong prediction
  double macro_accuracy() const { return macro(by_label_); }
  std::vector<double> accuracy_by_depth() const {
    std::vector<double> out;
    for (const Tally& t : by_depth_) out.push_back(t.accuracy());
    return out;
  }

 private:
  void add_depth(std::span<const Token> tokens, std::size_t query, bool is_correct) {
    const double depth = depth_->depth(tokens, static_cast<Index>(query));
    const auto bin = static_cast<std::size_t>(depth * static_cast<double>(kDepthBins));
    by_depth_[std::min(bin, kDepthBins - 1)].add(is_correct);
  }

  const DepthTraits* depth_;  // or null
  std::vector<Tally> by_label_, by_depth_;
  Index right_ = 0;
};

// Adds the predictions of a batch. logits (scored labels, classes); predicted: of each scored label, in
// order.
void add_calibration(Calibration& to, const Batch& batch, const Task& task, std::span<const float> logits,
                     std::span<const Token> predicted) {
  const auto& traits = dynamic_cast<const AnswerableTraits&>(task);
  const std::size_t time = batch.labels.size() / static_cast<std::size_t>(batch.batch);
  const auto classes = static_cast<std::size_t>(task.shape().classes);
  std::size_t at = 0;
  for (std::size_t i = 0; i < batch.labels.size(); ++i) {
    if (batch.labels[i] == kUnscored) continue;
    to.add(
        logits.subspan(at * classes, classes), predicted[at] == batch.labels[i],
        traits.is_answerable(batch.input.tokens.subspan(i - i % time, time), static_cast<Index>(i % time)));
    ++at;
  }
}

double first_step_above(const TrainLog& log, double bound) {
  for (std::size_t i = 0; i < log.evaluated_at.size(); ++i)
    if (log.validation_accuracy[i] > bound) return static_cast<double>(log.evaluated_at[i]);
  return std::numeric_limits<double>::quiet_NaN();
}

constexpr double kSolvedAccuracy = 0.9;

}  // namespace

double plateau_step(const TrainLog& log) {
  const double first = log.validation_accuracy.empty() ? 0 : log.validation_accuracy.front();
  return first_step_above(log, std::min(first + 0.1, kSolvedAccuracy));
}

double solved_step(const TrainLog& log) { return first_step_above(log, kSolvedAccuracy); }

Evaluation evaluate(Model<float>& model, Step<float>& step, const Task& task, Split split, Index sequences,
                    Index batch) {
  const std::optional<Index> size = task.size(split);
  const Index n = size && (sequences == 0 || sequences > *size) ? *size : sequences;
  Sequences room(task, batch);
  Tallies tallies(task);
  std::vector<Token> predicted(room.labels.size());
  std::optional<Calibration> calibration;
  if (asks_unanswerable(task)) calibration.emplace();
  std::vector<float> logits;
  Score total;
  for (Index from = 0; from < n; from += batch) {
    const Index rows = std::min(batch, n - from);
    for (Index r = 0; r < rows; ++r) {
      const Index i = from + r;
      room.fill(r, split, static_cast<std::uint64_t>(size ? i * *size / n : i));
    }
    const Batch part = room.first(rows);
    if (calibration) logits.resize(static_cast<std::size_t>(part.scored() * room.shape.classes));
    total += model.evaluate(step, part, predicted, logits);
    tallies.add(part, predicted);
    if (calibration) add_calibration(*calibration, part, task, logits, predicted);
  }
  return {total.mean_loss(),
          total.accuracy(),
          tallies.macro_accuracy(),
          total.scored,
          tallies.accuracy_by_depth(),
          static_cast<double>(tallies.right()) / static_cast<double>(std::max<Index>(1, n)),
          calibration};
}

Training::Training(Model<float>& model, Params<float>& params, const Task& task, const TrialConfig& trial,
                   const Registry& registry, int threads, const Ranks& ranks)
    : model_(model),
      params_(params),
      options_(trial.train),
      ranks_(ranks),
      seed_(trial.seed),
      step_(threads),
      evaluation_step_(threads, false),
      optimizer_(make_optimizer(trial, registry, params)),
      learning_rate_(make_schedule(trial, registry)),
      room_(task, trial.train.batch),
      annealing_(annealing(task)),
      orders_(trial.seed),
      order_(static_cast<std::size_t>(annealing_ ? room_.shape.input.length : 0)) {
  if (trial.train_sequences > 0) passes_.emplace(trial.seed, trial.train_sequences);
  if (ranks.communicator()) model.divide(*ranks.communicator());
}

bool Training::StepResult::finite() const { return is_finite(loss) && is_finite(gradient_norm); }

void Training::fill(Index s) {
  for (Index r = 0; r < options_.batch; ++r) {
    const auto place = static_cast<std::uint64_t>(s * options_.batch + r);
    room_.fill(r, Split::train, passes_ ? static_cast<std::uint64_t>(passes_->example_at(place)) : place);
  }
  reorder(s);
}

// A repeated sequence gets a new order in each pass.
void Training::reorder(Index s) {
  if (!annealing_) return;
  const double share = annealing_->share(static_cast<double>(s) / static_cast<double>(options_.steps));
  for (Index r = 0; r < options_.batch; ++r) {
    orders_.draw(static_cast<std::uint64_t>(s * options_.batch + r), share, order_);
    room_.reorder(r, order_);
  }
}

Training::StepResult Training::train_step(Index s) {
  const TrainOptions& o = options_;
  fill(s);
  params_.zero_grads();
  step_.dropout = {o.dropout, seed_, static_cast<std::uint64_t>(s)};
  const auto accumulate = [&] {  // not of the optimizer, whose products are float32
    const ProductPrecision precision(o.products());
    return model_.accumulate(step_, room_.first(o.batch), o.micro_batch);
  };
  const Score score = accumulate();
  ranks_.sum(params_.grads());
  const StepResult done{score.mean_loss(), gradient_norm(step_, params_)};
  if (!done.finite()) return done;
  if (o.clip > 0) clip_gradients(params_, done.gradient_norm, o.clip);
  optimizer_->update(step_, (*learning_rate_)(s));
  return done;
}

bool Training::is_stopped(TrainLog& log, const TrainHooks& hooks) {
  const bool validated = !log.evaluated_at.empty() && log.evaluated_at.back() == log.steps;
  if (!validated || log.steps == options_.steps) return false;
  if (hooks.stop) log.stopped = hooks.stop(state(log));
  if (ranks_.agreed(!log.stopped.empty()) && !ranks_.leads()) log.stopped = "rank 0 has the reason";
  return !log.stopped.empty();
}

bool Training::run(Index end, TrainLog& log, const TrainHooks& hooks) {
  const TrainOptions& o = options_;
  const Task& task = room_.task;
  double accuracy = log.validation_accuracy.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                    : log.validation_accuracy.back();
  // A process may have been killed after it had saved this state, before it could record that it stopped.
  if (std::exchange(continued_, false) && is_stopped(log, hooks)) return false;
  for (Index s = log.steps; s < end; ++s) {
    const double started = steady_seconds();
    const StepResult done = train_step(s);
    log.loss.push_back(done.loss);
    log.gradient_norm.push_back(done.gradient_norm);
    if (!done.finite()) {
      log.failure =
          fmt::format("the {} of step {} is not finite", is_finite(done.loss) ? "gradient" : "loss", s);
      return false;
    }
    log.steps = s + 1;
    if (hooks.after_step) hooks.after_step(log.steps);
    log.seconds += steady_seconds() - started;

    const bool last = s + 1 == o.steps;
    if (last || (s + 1) % o.evaluation_interval() == 0) {
      const ProductPrecision precision(o.products());
      // All points of the curve use the same sequences, so that they are comparable. The result on the whole
      // of a finite split is recorded separately.
      const Evaluation e =
          evaluate(model_, evaluation_step_, task, Split::validation, o.evaluate_sequences, o.batch);
      log.evaluated_at.push_back(s + 1);
      log.validation_loss.push_back(e.loss);
      log.validation_accuracy.push_back(e.accuracy);
      accuracy = e.accuracy;
      if (last) {
        const bool whole = task.size(Split::validation).value_or(0) <= o.evaluate_sequences;
        log.final_validation =
            whole ? e : evaluate(model_, evaluation_step_, task, Split::validation, 0, o.batch);
      }
    }
    if (hooks.progress) hooks.progress({s + 1, o.steps, done.loss, accuracy});
    // The loss of a step is computed before its update, so only a later evaluation shows broken parameters.
    if (!log.validation_loss.empty() && !is_finite(log.validation_loss.back())) {
      log.failure = "the validation loss is not finite";
      return false;
    }
    if (is_stopped(log, hooks)) return false;
    if (ranks_.agreed(hooks.leave && hooks.leave(state(log))) && !last) {
      log.left = true;
      return false;
    }
  }
  return true;
}

void Training::continue_from(const SavedState& saved) {
  const auto copy = [](const std::vector<float>& from, std::span<float> to) {
    HEED_CHECK(from.size() == to.size(), "the saved state is of another model");
    std::copy(from.begin(), from.end(), to.begin());
  };
  copy(saved.values, params_.values());
  const std::vector<OptimizerState<float>>& state = optimizer_->state();
  HEED_CHECK(saved.optimizer.size() == state.size(), "the saved state is of another optimizer");
  for (std::size_t i = 0; i < state.size(); ++i) {
    HEED_CHECK(saved.optimizer[i].name == state[i].name, "the saved state is of another optimizer");
    copy(saved.optimizer[i].values, state[i].values);
  }
  optimizer_->continue_from(saved.log.steps);
  continued_ = true;
}

void Training::continue_together(Index steps) {
  ranks_.share(params_.values());
  for (const OptimizerState<float>& s : optimizer_->state()) ranks_.share(std::span<float>(s.values));
  optimizer_->continue_from(steps);
  continued_ = true;
}

std::vector<float> Training::logits(Index s, Index sequences) {
  // Operands that are rounded further would hide a small change of the function.
  const ProductPrecision precision(Precision::float32);
  fill(s);
  const Batch batch = room_.first(sequences);
  std::vector<float> out(static_cast<std::size_t>(batch.scored() * room_.shape.classes));
  model_.evaluate(evaluation_step_, batch, {}, out);
  return out;
}

double Training::grow_from(Training& smaller) {
  grow(smaller.params_, params_);
  optimizer_->grow_from(*smaller.optimizer_);
  const Index next = optimizer_->steps(), sequences = std::min<Index>(options_.batch, kComparedSequences);
  const std::vector<float> before = smaller.logits(next, sequences), after = logits(next, sequences);
  double change = 0, size = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double old = before[i], now = after[i];
    if (!is_finite(old)) return std::numeric_limits<double>::quiet_NaN();
    // std::max ignores NaN, so a new NaN counts as an infinite change.
    change = std::max(change, is_finite(now) ? std::abs(now - old) : std::numeric_limits<double>::infinity());
    size = std::max(size, std::abs(old));
  }
  if (change > kSameFunction * (1 + size))
    throw Error(
        fmt::format("growth after step {} changes the function: logits of up to {:.3g} change by "
                    "up to {:.3g}. The two models must differ only in their numbers of parameter tokens.",
                    next, size, change));
  return change;
}

}  // namespace heed
