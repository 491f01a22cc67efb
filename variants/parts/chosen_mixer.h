#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "core/head.h"
#include "variants/parts/chosen_tiles.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// Shared code of mixers that choose keys by the data, then are softmax over them. The gradient treats the
// choice as constant. A mixer derives from it and defines
//     std::span<const std::int32_t> choose(const Head<S>& in, Memory<S>& memory) const    in keep memory
//     auto tiles(const Head<S>& in, std::span<const std::int32_t> chosen, Memory<S>& memory) const
//         ChosenTiles or BlockGroups, which may use temp memory
template <class Mixer, class S>
struct ChosenMixer {
  struct Saved {
    Mat<S> o, lse;                         // (Tq,value): a view of the output; (1,Tq)
    std::span<const std::int32_t> chosen;  // see ChosenTiles
  };

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Saved saved{o, memory.keep(1, in.q.rows()), mixer().choose(in, memory)};
    softmax_forward(map(in), mixer().tiles(in, saved.chosen, memory), saved.o, saved.lse, memory);
    return saved;
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    softmax_backward<S>(map(in), mixer().tiles(in, saved.chosen, memory), saved.o, saved.lse, d_o, grad.q,
                        grad.k, grad.v, memory);
  }

  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    softmax_weights<S>(map(in), mixer().tiles(in, saved.chosen, memory), saved.lse, p, memory);
  }

 protected:
  static SoftmaxMap<S> map(const Head<S>& in) {
    const double tau = 1 / std::sqrt(static_cast<double>(in.q.cols()));
    return {in.q, in.k, in.v, static_cast<S>(tau), in.slope, in.mask.offset, nullptr, in.dropout};
  }

 private:
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
};

}  // namespace heed
