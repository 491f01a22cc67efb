#pragma once

#include <span>

#include "core/params.h"
#include "core/step.h"

namespace heed {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};

// AdamW with decoupled decay (Loshchilov, Hutter 2019), update t from 1:
//     p -= lr wd p   (Role::decayed alone)
//     m = b1 m + (1-b1) g,   v = b2 v + (1-b2) g^2
//     p -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
// Values of Role::fixed are never touched.
template <class S>
class AdamW {
 public:
  AdamW(Params<S>& params, const AdamWOptions& options);  // REQUIRES: params are frozen and outlive it
  void update(Step<S>& step, double lr);

  // All that it remembers. To continue another one's work, fill the moments and say how many updates they
  // hold.
  Index updates() const { return updates_; }
  std::span<S> first_moment() const { return {m_, params_.values().size()}; }
  std::span<S> second_moment() const { return {v_, params_.values().size()}; }
  void continue_from(Index updates) { updates_ = updates; }
  // Continues the work on a smaller model whose parameters have grown into these (core/model/growth.h): the
  // moments of old rows and the count of updates are taken over; those of new rows are zero.
  void grow_from(const AdamW& smaller);

 private:
  Params<S>& params_;
  AdamWOptions options_;
  Index updates_ = 0;
  Arena arena_;
  S* m_;
  S* v_;
};

// The 2-norm of all gradients together, summed in double and in a fixed order.
template <class S>
double gradient_norm(Step<S>& step, const Params<S>& params);

// Multiplies all gradients by min(1, max_norm / (norm + 1e-6)). REQUIRES: norm is finite.
template <class S>
void clip_gradients(Params<S>& params, double norm, double max_norm);

// Learning rate of update s, counted from 0: linear to the peak over w = `warmup` updates, then half a cosine
// down to the floor at T = `total`:
//     s < w         peak (s+1)/w
//     w <= s < T    floor + (peak - floor) (1 + cos(pi (s-w)/(T-w))) / 2
//     s >= T        floor
double warmup_cosine(Index s, Index warmup, Index total, double peak, double floor);

extern template class AdamW<float>;
extern template class AdamW<double>;

}  // namespace heed
