// The elementwise step of AdamW, shared by the optimizers that use it.
#pragma once

#include <cmath>

#include "core/index.h"

namespace heed {

// Step t of AdamW, counted from 1, for numbers p with gradient g and moments m, v:
//     p -= lr wd p
//     m = b1 m + (1-b1) g,   v = b2 v + (1-b2) g^2
//     p -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
// Loshchilov and Hutter 2019, algorithm 2
template <class S>
class AdamWStep {
 public:
  // Options: a struct with beta1, beta2, eps and weight_decay.
  AdamWStep(const auto& options, Index t, double lr)
      // 1 - beta is rounded, not computed from the rounded beta: 1 - 0.999f is wrong by 1e-5.
      : b1_(static_cast<S>(options.beta1)),
        b2_(static_cast<S>(options.beta2)),
        c1_(static_cast<S>(1 - options.beta1)),
        c2_(static_cast<S>(1 - options.beta2)),
        eps_(static_cast<S>(options.eps)),
        step_size_(static_cast<S>(lr / (1 - std::pow(options.beta1, static_cast<double>(t))))),
        root_scale_(static_cast<S>(1 / std::sqrt(1 - std::pow(options.beta2, static_cast<double>(t))))),
        decayed_(static_cast<S>(1 - lr * options.weight_decay)) {}

  // Changes the numbers of a block (Optimizer::Block) and their moments. Without block.decays there is no
  // decay.
  void apply(auto& block, auto m, auto v) const {
    const S keep = block.decays ? decayed_ : S(1);
    m = b1_ * m + c1_ * block.grad;
    v = b2_ * v + c2_ * block.grad.square();
    block.value = keep * block.value - step_size_ * m / (v.sqrt() * root_scale_ + eps_);
  }

 private:
  S b1_, b2_, c1_, c2_, eps_, step_size_, root_scale_, decayed_;
};

}  // namespace heed
