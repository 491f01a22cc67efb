#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/head_widths.h"
#include "variants/parts/ring_kernel.h"
#include "variants/parts/sigmoid.h"
#include "variants/parts/softmax.h"
#include "variants/parts/softmax_pair.h"
#include "variants/parts/softmax_sums.h"
#include "variants/parts/tiled_softmax.h"

namespace {
using namespace heed;

// Differential attention, second version (Ye, Dong et al. 2026): each head has two maps of queries, which
// read the same keys and values, and one lambda for each token and head.
//     a_m = softmax(q_m k^T / sqrt(d))   lambda_i = sigmoid(input_i)   o_i = a_1i v - lambda_i a_2i v
// q (Tq,2d): the head's two maps side by side; k (Tk,d); v (Tk,V); o (Tq,V). Derivation:
// docs/variants/differential.md.
template <class S>
struct DifferentialV2 {
  struct Options {
    HeadWidths widths;
    Index tile = kTile;
    void describe(auto& option) {
      widths.describe(option);
      describe_tile(option, tile);
    }
  } options;

  struct Saved {
    Mat<S> o_1, lse_1, o_2, lse_2;  // o_m = a_m v (Tq,V), lse_m (1,Tq)
  };

  HeadShape shape(const LayerSpec<S>& spec) const {
    HeadShape s = options.widths.shape(spec);
    s.query = 2 * s.key;
    return s;
  }

  std::vector<MixerInput> inputs(const LayerSpec<S>&) const { return {{.name = "lambda"}}; }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index tq = in.q.rows(), width = in.v.cols();
    Saved saved{memory.keep(tq, width), memory.keep(1, tq), memory.keep(tq, width), memory.keep(1, tq)};
    softmax_forward(map(in, 0), tiles(in), saved.o_1, saved.lse_1, memory);
    softmax_forward(map(in, 1), tiles(in), saved.o_2, saved.lse_2, memory);
    finish(in, saved, o, memory);
    return saved;
  }
  void finish(const Head<S>& in, const Saved& saved, Mat<S> o, Memory<S>&) const {
    for (Index i = 0; i < o.rows(); ++i) o.row(i) = saved.o_1.row(i) - lambda(in, i) * saved.o_2.row(i);
  }

  // do_1 = do   do_2 = -lambda do   dinput = -(do.o_2) lambda (1 - lambda)
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const std::span<S> lambdas = this->lambdas(in, 0, d_o.rows(), memory);
    lambda_backward(saved, d_o, lambdas, grad);
    maps_backward(map(in, 0), map(in, 1), lambdas, tiles(in), saved, d_o, grad, memory);
  }

  // For RingKernel.
  Splits splits() const { return Splits::any; }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<DifferentialV2, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<DifferentialV2, S>>(whole, parallel);
  }
  Saved begin(const Head<S>& in, std::span<double>, Memory<S>& memory) const {
    const auto empty = [&] {
      return empty_sums(in.q.rows(), in.v.cols(), -std::numeric_limits<S>::infinity(), memory);
    };
    const SoftmaxSums<S> one = empty(), two = empty();
    return {one.o, one.lse, two.o, two.lse};
  }
  void add(const RingBlock<S>& block, const Saved& saved, Memory<S>& memory) const {
    const Saved own = rows(saved, block);
    add_block(map(block.head, 0), tiles(block.head), SoftmaxSums<S>{own.o_1, own.lse_1}, memory);
    add_block(map(block.head, 1), tiles(block.head), SoftmaxSums<S>{own.o_2, own.lse_2}, memory);
  }
  void finish_backward(const Head<S>& in, const Saved& saved, In<S> d_o, Mat<S> du, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    lambda_backward(saved, d_o, lambdas(in, 0, d_o.rows(), memory), grad);
    du = d_o;
  }
  void add_backward(const RingBlock<S>& block, const Saved& saved, In<S> du, HeadGrad<S>& grad, double*,
                    Memory<S>& memory) const {
    const Index n = block.head.q.rows();
    maps_backward(map(block.head, 0), map(block.head, 1), lambdas(block.head, block.row, n, memory),
                  tiles(block.head), rows(saved, block), row_block(du, block.row, n), grad, memory);
  }

  // a_1 - lambda a_2, negative numbers and all
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    softmax_weights<S>(map(in, 0), tiles(in), saved.lse_1, p, memory);
    Mat<S> second = memory.temp(p.rows(), p.cols());
    softmax_weights<S>(map(in, 1), tiles(in), saved.lse_2, second, memory);
    for (Index i = 0; i < p.rows(); ++i) p.row(i) -= lambda(in, i) * second.row(i);
  }

  Cost cost(const HeadSize& size) const {
    const Cost one_map = dense_cost(size);
    return {2 * one_map.flops, one_map.state_bytes};
  }

 private:
  static Saved rows(const Saved& saved, const RingBlock<S>& block) {
    const Index from = block.row, n = block.head.q.rows();
    return {row_block(saved.o_1, from, n), column_block(saved.lse_1, from, n), row_block(saved.o_2, from, n),
            column_block(saved.lse_2, from, n)};
  }
  // Of n queries, from row `first` of the inputs on.
  static std::span<S> lambdas(const Head<S>& in, Index first, Index n, Memory<S>& memory) {
    const std::span<S> out = memory.template temp_span<S>(n);
    for (Index i = 0; i < n; ++i) out[static_cast<std::size_t>(i)] = lambda(in, first + i);
    return out;
  }
  static void lambda_backward(const Saved& saved, In<S> d_o, std::span<const S> lambdas, HeadGrad<S>& grad) {
    Mat<S> dinput = grad.input(0);
    for (Index i = 0; i < d_o.rows(); ++i) {
      const S l = lambdas[static_cast<std::size_t>(i)];
      dinput(i, 0) -= d_o.row(i).dot(saved.o_2.row(i)) * l * (1 - l);
    }
  }
  static void maps_backward(const SoftmaxMap<S>& one, const SoftmaxMap<S>& two, std::span<const S> lambdas,
                            const DenseTiles& tiles, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                            Memory<S>& memory) {
    const Index d = one.k.cols();
    softmax_pair_backward<S>({one, saved.o_1, saved.lse_1, column_block(grad.q, 0, d), grad.k},
                             {two, saved.o_2, saved.lse_2, column_block(grad.q, d, d), grad.k}, lambdas,
                             tiles, d_o, grad.v, memory);
  }

  DenseTiles tiles(const Head<S>& in) const { return {in.q.rows(), in.k.rows(), in.mask, options.tile}; }
  SoftmaxMap<S> map(const Head<S>& in, Index m) const {
    const Index d = in.k.cols();
    const double tau = 1 / std::sqrt(static_cast<double>(d));
    return {column_block(in.q, m * d, d), in.k, in.v, static_cast<S>(tau), in.slope, in.mask.offset, nullptr,
            in.dropout.of_map(m)};
  }
  static S lambda(const Head<S>& in, Index i) {
    return static_cast<S>(sigmoid(static_cast<double>(in.input(0)(i, 0))));
  }
};
}  // namespace

HEED_MIXER(differential_v2, DifferentialV2,
           "The difference of two softmax maps over the same keys, with a lambda for each token",
           "Ye, Dong et al. 2026")
