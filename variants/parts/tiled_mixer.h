#pragma once

#include <cmath>
#include <span>

#include "core/mixer.h"
#include "variants/parts/ring_kernel.h"
#include "variants/parts/softmax_sums.h"
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

  // For RingKernel (ring_kernel.h), with a map over any block of queries and keys. A mixer for which this is
  // right defines `context_parallel` and claims it.
  Saved begin(const Head<S>& in, std::span<double>, Memory<S>& memory) const {
    const SoftmaxSums<S> sums = empty_sums(in.q.rows(), in.v.cols(), mixer().map(in).sink, memory);
    return {sums.o, sums.lse};
  }
  void add(const RingBlock<S>& block, const Saved& saved, Memory<S>& memory) const {
    add_block(mixer().map(block.head), mixer().block_tiles(block, memory), rows(saved, block), memory);
  }
  void finish(const Head<S>&, const Saved& saved, Mat<S> o, Memory<S>&) const { o = saved.o; }
  void finish_backward(const Head<S>&, const Saved&, In<S> d_o, Mat<S> du, HeadGrad<S>&, Memory<S>&) const {
    du = d_o;
  }
  // P = exp(s - lse) and D = du.o with the lse and o of all keys, not those of the block.
  void add_backward(const RingBlock<S>& block, const Saved& saved, In<S> du, HeadGrad<S>& grad, double*,
                    Memory<S>& memory) const {
    const SoftmaxSums<S> sums = rows(saved, block);
    softmax_backward<S>(mixer().map(block.head), mixer().block_tiles(block, memory), sums.o, sums.lse,
                        row_block(du, block.row, sums.o.rows()), grad.q, grad.k, grad.v, memory);
  }
  auto block_tiles(const RingBlock<S>& block, Memory<S>& memory) const {
    return mixer().tiles(block.head, memory);
  }

  double scale(const Head<S>& in) const { return 1 / std::sqrt(static_cast<double>(in.q.cols())); }

  SoftmaxMap<S> map(const Head<S>& in) const {
    return {in.q,     in.k,           in.v,    static_cast<S>(mixer().scale(in)),
            in.slope, in.mask.offset, nullptr, in.dropout};
  }

 private:
  static SoftmaxSums<S> rows(const Saved& saved, const RingBlock<S>& block) {
    return SoftmaxSums<S>{saved.o, saved.lse}.rows(block.row, block.head.q.rows());
  }
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
};

}  // namespace heed
