#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "core/register.h"
#include "variants/parts/ring_kernel.h"
#include "variants/parts/softmax.h"
#include "variants/parts/softmax_pair.h"
#include "variants/parts/softmax_sums.h"
#include "variants/parts/tiled_softmax.h"

namespace {
using namespace heed;

// Differential attention (Ye et al. 2024): the difference of two softmax maps, then a norm over the head.
//     lambda = exp(lambda_q1.lambda_k1) - exp(lambda_q2.lambda_k2) + lambda_init
//     a_m = softmax(q_m k_m^T / sqrt(d))   u = (a_1 - lambda a_2) v
//     o = (1 - lambda_init) rms_norm(u) * gain
// q (Tq,2d): the head's two maps side by side; k (Tk,2d); v (Tk,V); o (Tq,V). The lambda vectors (1,d) and
// the gain (1,V) are shared by the heads of a layer. Derivation: docs/variants/differential.md.
//
// Three options take the parts away one by one; without all three it is softmax attention, bit for bit.
template <class S>
struct Differential {
  struct Options {
    bool subtraction = true, head_norm = true, half_width = true, gain = true;
    double eps = 1e-5;
    Index tile = kTile;
    void describe(auto& option) {
      option("subtraction", subtraction, {.doc = "subtract the second map; false: only one map, no lambda"});
      option("head_norm", head_norm, {.doc = "norm over each head's output, times 1 - lambda_init"});
      option("half_width", half_width, {.doc = "each map is half as wide as the values; false: as wide"});
      option("gain", gain, {.doc = "the head norm has a learned gain"});
      option("eps", eps, {.min = 0, .max = 1, .doc = "added to the mean square in the head norm"});
      describe_tile(option, tile);
    }
  } options;

  struct Saved {
    Mat<S> o_1, lse_1, o_2, lse_2;  // o_m = a_m v (Tq,V), lse_m (1,Tq); of the second map where there is one
  };

  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads, maps = options.subtraction ? 2 : 1;
    if (options.half_width && width % 2 != 0)
      throw Error(fmt::format(
          "'heads' is {}: heads of width {} cannot be halved for two maps; 'dim' / 'heads' must be even.",
          spec.heads, width));
    return {spec.heads, maps * (options.half_width ? width / 2 : width), width, maps};
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    const HeadShape s = shape(spec);
    lambda_init_ = 0.8 - 0.6 * std::exp(-0.3 * static_cast<double>(spec.depth));
    const auto vector = [&](const char* name) {
      return params.declare(name, 1, s.key / s.maps, Init::normal(0.1), Role::undecayed);
    };
    if (options.subtraction) {
      lambda_q1_ = vector("lambda_q1"), lambda_k1_ = vector("lambda_k1");
      lambda_q2_ = vector("lambda_q2"), lambda_k2_ = vector("lambda_k2");
    }
    if (options.head_norm && options.gain)
      gain_ = params.declare("gain", 1, s.value, Init::ones(), Role::undecayed);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index tq = in.q.rows(), width = in.v.cols();
    const DenseTiles tiles(tq, in.k.rows(), in.mask, options.tile);
    const bool bare = !options.subtraction && !options.head_norm;
    const Mat<S> o_1 = bare ? o : memory.keep(tq, width), lse_1 = memory.keep(1, tq);
    const Index rows_2 = options.subtraction ? tq : 0;
    const Mat<S> o_2 = memory.keep(rows_2, width), lse_2 = memory.keep(1, rows_2);
    softmax_forward(map(in, 0), tiles, o_1, lse_1, memory);
    if (options.subtraction) softmax_forward(map(in, 1), tiles, o_2, lse_2, memory);
    Saved saved{o_1, lse_1, o_2, lse_2};
    if (!bare) finish(in, saved, o, memory);
    return saved;
  }

  // From both sums over values to the output.
  void finish(const Head<S>&, const Saved& saved, Mat<S> o, Memory<S>& memory) const {
    const Index width = o.cols();
    TileRow<S> u = row(tile_room(memory, 1, width), 0);
    const double lambda = this->lambda();
    for (Index i = 0; i < o.rows(); ++i) {
      difference(saved, i, lambda, u);
      if (options.head_norm) u *= static_cast<S>(1 - lambda_init_) * reciprocal_rms(u);
      if (gain_) u *= gain_.value().row(0).array();
      o.row(i).array() = u;
    }
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const DenseTiles tiles(in.q.rows(), in.k.rows(), in.mask, options.tile);
    const Mat<S> du = sums_backward(in, saved, d_o, grad, memory);
    maps_backward(map(in, 0), map(in, 1), tiles, saved, du, grad, memory);
  }

  // For RingKernel.
  Splits splits() const { return Splits::any; }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<Differential, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<Differential, S>>(whole, parallel);
  }
  Saved begin(const Head<S>& in, std::span<double>, Memory<S>& memory) const {
    const Index tq = in.q.rows(), tq_2 = options.subtraction ? tq : 0, width = in.v.cols();
    const S none = -std::numeric_limits<S>::infinity();
    const SoftmaxSums<S> one = empty_sums(tq, width, none, memory),
                         two = empty_sums(tq_2, width, none, memory);
    return {one.o, one.lse, two.o, two.lse};
  }
  void add(const RingBlock<S>& block, const Saved& saved, Memory<S>& memory) const {
    const DenseTiles tiles = block_tiles(block);
    const Saved own = rows(saved, block);
    add_block(map(block.head, 0), tiles, SoftmaxSums<S>{own.o_1, own.lse_1}, memory);
    if (options.subtraction) add_block(map(block.head, 1), tiles, SoftmaxSums<S>{own.o_2, own.lse_2}, memory);
  }
  void finish_backward(const Head<S>& in, const Saved& saved, In<S> d_o, Mat<S> du, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    du = sums_backward(in, saved, d_o, grad, memory);
  }
  void add_backward(const RingBlock<S>& block, const Saved& saved, In<S> du, HeadGrad<S>& grad, double*,
                    Memory<S>& memory) const {
    maps_backward(map(block.head, 0), map(block.head, 1), block_tiles(block), rows(saved, block),
                  row_block(du, block.row, block.head.q.rows()), grad, memory);
  }

  // a_1 - lambda a_2, negative numbers and all
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    const DenseTiles tiles(in.q.rows(), in.k.rows(), in.mask, options.tile);
    softmax_weights<S>(map(in, 0), tiles, saved.lse_1, p, memory);
    if (!options.subtraction) return;
    Mat<S> second = memory.temp(p.rows(), p.cols());
    softmax_weights<S>(map(in, 1), tiles, saved.lse_2, second, memory);
    p -= static_cast<S>(lambda()) * second;
  }

  Cost cost(const HeadSize& size) const {
    HeadSize all = size;  // scores of both maps, and a product with v for each
    all.value *= options.subtraction ? 2 : 1;
    return {dense_cost(all).flops, dense_cost(size).state_bytes};
  }

 private:
  DenseTiles block_tiles(const RingBlock<S>& block) const {
    return {block.head.q.rows(), block.head.k.rows(), block.head.mask, options.tile};
  }
  Saved rows(const Saved& saved, const RingBlock<S>& block) const {
    const Index from = block.row, n = block.head.q.rows(), n_2 = options.subtraction ? n : 0;
    const Index from_2 = options.subtraction ? from : 0;
    return {row_block(saved.o_1, from, n), column_block(saved.lse_1, from, n),
            row_block(saved.o_2, from_2, n_2), column_block(saved.lse_2, from_2, n_2)};
  }

  // Returns du, the gradient of u, as a tile; the gradients of lambda and gain are added.
  Mat<S> sums_backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    const Index tq = in.q.rows();
    Mat<S> du = tile_room(memory, tq, in.v.cols());
    gather<S>(d_o, Rows{nullptr, 0, tq}, du);
    if (options.head_norm) norm_backward(saved, lambda(), du, grad, memory);
    if (options.subtraction)
      lambda_backward(-du.template cast<double>().cwiseProduct(saved.o_2.template cast<double>()).sum(),
                      grad);
    return du;
  }
  void maps_backward(const SoftmaxMap<S>& one, const SoftmaxMap<S>& two, const DenseTiles& tiles,
                     const Saved& saved, In<S> du, HeadGrad<S>& grad, Memory<S>& memory) const {
    if (!options.subtraction)
      return softmax_backward<S>(one, tiles, saved.o_1, saved.lse_1, du, grad.q, grad.k, grad.v, memory);
    const std::span<S> lambdas = memory.template temp_span<S>(du.rows());
    std::ranges::fill(lambdas, static_cast<S>(lambda()));
    softmax_pair_backward<S>({one, saved.o_1, saved.lse_1, of_map(grad.q, 0), of_map(grad.k, 0)},
                             {two, saved.o_2, saved.lse_2, of_map(grad.q, 1), of_map(grad.k, 1)}, lambdas,
                             tiles, du, grad.v, memory);
  }

  // The columns of map m of a head's queries or keys.
  ConstMat<S> of_map(In<S> x, Index m) const {
    const Index d = x.cols() / (options.subtraction ? 2 : 1);
    return {x.data() + m * d, x.rows(), d, Eigen::OuterStride<>(x.outerStride())};
  }
  Mat<S> of_map(Mat<S> x, Index m) const {
    const Index d = x.cols() / (options.subtraction ? 2 : 1);
    return {x.data() + m * d, x.rows(), d, Eigen::OuterStride<>(x.outerStride())};
  }

  SoftmaxMap<S> map(const Head<S>& in, Index m) const {
    const ConstMat<S> q = of_map(in.q, m);
    const double tau = 1 / std::sqrt(static_cast<double>(q.cols()));
    return {q,        of_map(in.k, m), in.v,    static_cast<S>(tau),
            in.slope, in.mask.offset,  nullptr, in.dropout.of_map(m)};
  }

  // In double: a sum of two exponentials that nearly cancel.
  static double dot(const Param<S>& a, const Param<S>& b) {
    return a.value().row(0).template cast<double>().dot(b.value().row(0).template cast<double>());
  }
  double lambda() const {
    if (!options.subtraction) return 0;
    return std::exp(dot(lambda_q1_, lambda_k1_)) - std::exp(dot(lambda_q2_, lambda_k2_)) + lambda_init_;
  }
  void lambda_backward(double dlambda, HeadGrad<S>& grad) const {
    const S d_1 = static_cast<S>(dlambda * std::exp(dot(lambda_q1_, lambda_k1_)));
    const S d_2 = static_cast<S>(-dlambda * std::exp(dot(lambda_q2_, lambda_k2_)));
    grad.param(lambda_q1_) += d_1 * lambda_k1_.value();
    grad.param(lambda_k1_) += d_1 * lambda_q1_.value();
    grad.param(lambda_q2_) += d_2 * lambda_k2_.value();
    grad.param(lambda_k2_) += d_2 * lambda_q2_.value();
  }

  // u = row i of o_1 - lambda o_2
  void difference(const Saved& saved, Index i, double lambda, TileRow<S> u) const {
    u = saved.o_1.row(i).array();
    if (options.subtraction) u -= static_cast<S>(lambda) * saved.o_2.row(i).array();
  }

  S reciprocal_rms(TileRow<S> u) const {
    return 1 / std::sqrt(u.square().sum() / static_cast<S>(u.size()) + static_cast<S>(options.eps));
  }

  // du comes in as do. r = 1 / rms(u), n = r u, e = (1 - lambda_init) do:
  //     dgain += e * n     e = e * gain     du = r (e - n mean(e * n))
  void norm_backward(const Saved& saved, double lambda, Mat<S> du, HeadGrad<S>& grad,
                     Memory<S>& memory) const {
    TileRow<S> n = row(tile_room(memory, 1, du.cols()), 0);
    for (Index i = 0; i < du.rows(); ++i) {
      difference(saved, i, lambda, n);
      const S r = reciprocal_rms(n);
      n *= r;
      TileRow<S> e = row(du, i);
      e *= static_cast<S>(1 - lambda_init_);
      if (gain_) {
        grad.param(gain_).row(0).array() += e * n;
        e *= gain_.value().row(0).array();
      }
      const S mean = (e * n).sum() / static_cast<S>(n.size());
      e = r * (e - n * mean);
    }
  }

  double lambda_init_ = 0;
  Param<S> lambda_q1_, lambda_k1_, lambda_q2_, lambda_k2_, gain_;
};
}  // namespace

HEED_MIXER(differential, Differential, "The difference of two softmax maps, normalized per head",
           "Ye et al. 2024")
