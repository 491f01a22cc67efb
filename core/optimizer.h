#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/params.h"
#include "core/step.h"

namespace heed {

// A flat vector of an optimizer's state with one number for each of Params::values().
template <class S>
struct OptimizerState {
  std::string name;  // "first_moment"; unique within an optimizer
  std::span<S> values;
};

// Changes the parameters of a model, given their gradients. Each optimizer is a derived class in a file of
// its own (variants/optimizers/), registered by HEED_OPTIMIZER. Its whole state is in its state vectors and
// its step count, so checkpoints and growth do not know optimizers. Not thread-safe.
template <class S>
class Optimizer {
 public:
  // Requires: params are frozen and outlive the optimizer.
  explicit Optimizer(Params<S>& params) : params_(params) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Performs one optimizer step. Does not change values of Role::fixed. Allocates nothing on the heap.
  void update(Step<S>& step, double lr) {
    ++steps_;
    apply(step, lr);
  }

  Index steps() const { return steps_; }  // performed so far
  const std::vector<OptimizerState<S>>& state() const { return state_; }

  // Sets the step count. To continue another optimizer's work, fill the state vectors as well.
  void continue_from(Index steps) { steps_ = steps; }
  // Continues the work on a smaller model whose parameters have grown into these (core/model/growth.h).
  // Copies the step count and the state of old rows; the state of new rows is zero. Requires: `smaller` is
  // the same optimizer with the same options.
  void grow_from(const Optimizer& smaller);

 protected:
  using Numbers = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;

  // Neighboring numbers of one parameter.
  struct Block {
    Numbers value, grad;
    bool decays;   // Role::decayed: matrices, not biases, gains and embeddings
    Index offset;  // of the first number in the flat vectors

    Numbers of(std::span<S> state) const { return {state.data() + offset, value.size()}; }
  };

  // Changes the parameters. steps() includes this step: it is 1 in the first call.
  virtual void apply(Step<S>& step, double lr) = 0;

  // Returns a new state vector, all zeros. Call it in the constructor.
  std::span<S> add_state(std::string name);

  // Calls change(block) for all trainable numbers, in parallel. Blocks do not depend on the number of
  // threads.
  template <class Change>
  void for_each_block(Step<S>& step, const Change& change) {
    for (const ParamInfo& p : params_.infos()) {
      if (p.role == Role::fixed) continue;
      const Index size = p.rows * p.cols;
      step.parallel_for((size + kBlock - 1) / kBlock, [&](Index block, Memory<S>&) {
        const Index from = p.offset + block * kBlock, n = std::min(kBlock, p.offset + size - from);
        change(Block{Numbers(params_.values().data() + from, n), Numbers(params_.grads().data() + from, n),
                     p.role == Role::decayed, from});
      });
    }
  }

  Params<S>& params_;

 private:
  // Large enough to be worth a thread, small enough to stay in the first-level cache.
  static constexpr Index kBlock = 4096;

  Arena arena_;
  std::vector<OptimizerState<S>> state_;
  Index steps_ = 0;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace heed
