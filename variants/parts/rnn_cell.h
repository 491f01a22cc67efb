#pragma once

#include "core/index.h"
#include "variants/parts/lanes.h"

namespace heed {

// h_t = f(a_t),   a_t = x_t W + b + h_{t-1} U + b',   f = tanh or relu.   Elman 1990
// One cell of variants/parts/recurrence.h, which explains the arguments.
template <class S>
struct RnnCell {
  static constexpr Index kGates = 1, kStates = 1, kKept = 0;
  bool relu = false;

  void forward(S* z, const S* u, S* state, S*, Index hidden) const {
    for_lanes(hidden, [&](Index at, auto n) {
      const Lanes<S> a = load(z + at, n) + load(u + at, n);
      const Lanes<S> h = relu ? Lanes<S>((a < S(0)).select(S(0), a)) : Lanes<S>(a.tanh());
      store(h, z + at, n);
      store(h, state + at, n);
    });
  }

  // da = dh f'(a):   dh (1 - h^2) for tanh; dh for relu where h > 0, else 0
  void backward(const S* z, const S*, const S* dh, S* dstate, S* da, Index hidden) const {
    for_lanes(hidden, [&](Index at, auto n) {
      const Lanes<S> h = load(z + at, n), d = load(dh + at, n) + load(dstate + at, n);
      store(relu ? Lanes<S>((h > S(0)).select(d, S(0))) : Lanes<S>(d * (S(1) - h.square())), da + at, n);
    });
  }
};

}  // namespace heed
