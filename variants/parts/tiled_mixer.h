#pragma once

#include <cmath>

#include "core/mixer.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// Shared code of mixers that are one softmax map over some tiles. A mixer derives from it and defines `auto
// tiles(const Head<S>& in, Memory<S>& memory) const`, and optionally `double scale(const Head<S>&) const` and
// `SoftmaxMap<S> map(const Head<S>&) const`.
template <class Mixer, class S>
struct TiledMixer {
  struct Saved {
    Mat<S> o;    // (Tq, value): a view of the output
    Mat<S> lse;  // (1, Tq)
  };

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Mat<S> lse = memory.keep(1, in.q.rows());
    softmax_forward(mixer().map(in), mixer().tiles(in, memory), o, lse, memory);
    return {o, lse};
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    softmax_backward<S>(mixer().map(in), mixer().tiles(in, memory), saved.o, saved.lse, d_o, grad.q, grad.k,
                        grad.v, memory);
  }

  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    softmax_weights<S>(mixer().map(in), mixer().tiles(in, memory), saved.lse, p, memory);
  }

  double scale(const Head<S>& in) const { return 1 / std::sqrt(static_cast<double>(in.q.cols())); }

  SoftmaxMap<S> map(const Head<S>& in) const {
    return {in.q,    in.k,      in.v, static_cast<S>(mixer().scale(in)), in.slope, shift_of(in.mask),
            nullptr, in.dropout};
  }

 private:
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
};

}  // namespace heed
