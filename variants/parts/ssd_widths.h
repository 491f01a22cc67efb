#pragma once

#include "core/params.h"
#include "core/step.h"

namespace heed {

// How wide Mamba-2's layer is: H heads of P channels, G groups of heads that share B and C of N channels.
struct SsdWidths {
  Index heads, head, groups, state, conv;  // conv: taps of the convolution

  Index inner() const { return heads * head; }
  Index shared() const { return groups * state; }
  Index mixed() const { return inner() + 2 * shared(); }         // x, B, C
  Index projected() const { return inner() + mixed() + heads; }  // z, x, B, C, dt
  Index decoded() const {
    return (conv - 1) * mixed() + heads * state * head;
  }  // numbers that a decoder keeps
};

// Its parameters besides the projections; as views, they are also the gradients of one sequence.
template <class P>
struct SsdParams {
  P taps, conv_bias, a_log, dt_bias, d,
      gain;  // (conv,mixed) (1,mixed) (1,heads) (1,heads) (1,heads) (1,inner)
};

// Room for the gradients of each sequence. They are added in order, whatever the threads do.
template <class S>
class SsdSlots {
 public:
  SsdSlots(const SsdWidths& w, Index batch, Memory<S>& memory)
      : w_(w), all_(memory.temp(batch, (w.conv + 1) * w.mixed() + 3 * w.heads + w.inner())) {
    all_.setZero();
  }

  SsdParams<Mat<S>> of(Index b) {
    S* at = all_.data() + b * all_.cols();
    const auto next = [&](Index rows, Index cols) {
      const Mat<S> out = mat(at, rows, cols);
      at += rows * cols;
      return out;
    };
    return {next(w_.conv, w_.mixed()), next(1, w_.mixed()), next(1, w_.heads),
            next(1, w_.heads),         next(1, w_.heads),   next(1, w_.inner())};
  }

  void add_to(const SsdParams<Param<S>>& params) {
    for (Index b = 0; b < all_.rows(); ++b) {
      const SsdParams<Mat<S>> own = of(b);
      params.taps.grad() += own.taps;
      params.conv_bias.grad() += own.conv_bias;
      params.a_log.grad() += own.a_log;
      params.dt_bias.grad() += own.dt_bias;
      params.d.grad() += own.d;
      params.gain.grad() += own.gain;
    }
  }

 private:
  SsdWidths w_;
  Mat<S> all_;
};

}  // namespace heed
