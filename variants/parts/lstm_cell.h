#pragma once

#include "core/index.h"
#include "variants/parts/lanes.h"

namespace heed {

// [i f g o] = x_t W + b + h_{t-1} U + b'
// c_t = s(f) c_{t-1} + s(i) tanh(g)     h_t = s(o) tanh(c_t)     s: the logistic function
// Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in the order of PyTorch.
// One cell of variants/parts/recurrence.h, which explains the arguments. State: h, then c. Kept: c_{t-1},
// then tanh(c_t).
template <class S>
struct LstmCell {
  static constexpr Index kGates = 4, kStates = 2, kKept = 2;

  void forward(S* z, const S* u, S* state, S* kept, Index hidden) const {
    for_lanes(hidden, [&](Index at, auto n) {
      const auto input = [&](Index gate) {
        const Index from = gate * hidden + at;
        return Lanes<S>(load(z + from, n) + load(u + from, n));
      };
      const Lanes<S> i = sigmoid(input(0)), f = sigmoid(input(1)), g = input(2).tanh(), o = sigmoid(input(3));
      S* const c = state + hidden + at;
      const Lanes<S> before = load(c, n), now = f * before + i * g, t = now.tanh();
      store(now, c, n);
      store(Lanes<S>(o * t), state + at, n);
      if (!kept) return;
      store(before, kept + at, n);
      store(t, kept + hidden + at, n);
      const Lanes<S>* const gates[] = {&i, &f, &g, &o};
      for (Index k = 0; k < kGates; ++k) store(*gates[k], z + k * hidden + at, n);
    });
  }

  // With i, f, g, o after activation, t = tanh(c_t), and dc the gradient of c_t that comes from later steps:
  //     dc += dh o (1 - t^2)
  //     da = [dc g i (1 - i),  dc c_{t-1} f (1 - f),  dc i (1 - g^2),  dh t o (1 - o)]
  //     dc becomes dc f, the gradient of c_{t-1}
  void backward(const S* z, const S* kept, const S* dh, S* dstate, S* da, Index hidden) const {
    for_lanes(hidden, [&](Index at, auto n) {
      const auto gate = [&](Index k) { return load(z + k * hidden + at, n); };
      const Lanes<S> i = gate(0), f = gate(1), g = gate(2), o = gate(3);
      const Lanes<S> before = load(kept + at, n), t = load(kept + hidden + at, n);
      const Lanes<S> d = load(dh + at, n) + load(dstate + at, n);
      S* const carried = dstate + hidden + at;
      const Lanes<S> dc = load(carried, n) + d * o * (S(1) - t.square());
      store(Lanes<S>(dc * g * i * (S(1) - i)), da + at, n);
      store(Lanes<S>(dc * before * f * (S(1) - f)), da + hidden + at, n);
      store(Lanes<S>(dc * i * (S(1) - g.square())), da + 2 * hidden + at, n);
      store(Lanes<S>(d * t * o * (S(1) - o)), da + 3 * hidden + at, n);
      store(Lanes<S>(dc * f), carried, n);
    });
  }
};

}  // namespace heed
