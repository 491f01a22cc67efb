#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/head_widths.h"
#include "variants/parts/sigmoid.h"
#include "variants/parts/softmax.h"
#include "variants/parts/softmax_pair.h"
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
    for (Index i = 0; i < tq; ++i) o.row(i) = saved.o_1.row(i) - lambda(in, i) * saved.o_2.row(i);
    return saved;
  }

  // do_1 = do   do_2 = -lambda do   dinput = -(do.o_2) lambda (1 - lambda)
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Index d = in.k.cols();
    Mat<S> dinput = grad.input(0);
    const std::span<S> lambdas = memory.template temp_span<S>(in.q.rows());
    for (Index i = 0; i < in.q.rows(); ++i) {
      const S l = lambdas[static_cast<std::size_t>(i)] = lambda(in, i);
      dinput(i, 0) -= d_o.row(i).dot(saved.o_2.row(i)) * l * (1 - l);
    }
    softmax_pair_backward<S>({map(in, 0), saved.o_1, saved.lse_1, column_block(grad.q, 0, d), grad.k},
                             {map(in, 1), saved.o_2, saved.lse_2, column_block(grad.q, d, d), grad.k},
                             lambdas, tiles(in), d_o, grad.v, memory);
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
  DenseTiles tiles(const Head<S>& in) const { return {in.q.rows(), in.k.rows(), in.mask, options.tile}; }
  SoftmaxMap<S> map(const Head<S>& in, Index m) const {
    const Index d = in.k.cols();
    const double tau = 1 / std::sqrt(static_cast<double>(d));
    return {
        column_block(in.q, m * d, d), in.k, in.v, static_cast<S>(tau), in.slope, shift_of(in.mask), nullptr,
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
