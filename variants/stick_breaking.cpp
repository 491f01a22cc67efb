#include "variants/parts/stick_breaking.h"

#include <cmath>
#include <span>
#include <string>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/own_keys.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// Stick-breaking attention (Tan et al. 2024): each query breaks a stick from the newest key backwards, and
// each key takes its share of what the newer ones have left.
//     z_ij = tau q_i.k_j   beta = sigmoid(z)   A_ij = beta_ij prod_{j<l<i} (1 - beta_il)   o = A v, for j < i
// What is left of the stick, r_i = prod (1 - beta_il), is dropped, or goes to the query's own value or to a
// learned vector. Derivation: docs/variants/stick_breaking.md.
template <class S>
struct StickBreaking {
  struct Options {
    bool attend_current = false;
    std::string remainder = "drop";
    Index tile = kTile;
    void describe(auto& option) {
      option("attend_current", attend_current, {.doc = "a query sees the key at its own position, too"});
      option("remainder", remainder,
             {.choices = {"drop", "current_value", "head_bias"},
              .doc = "what takes the rest of the weight: nothing, the query's own value, or a learned vector "
                     "for each head"});
      describe_tile(option, tile);
    }
  } options;

  struct Saved {
    std::span<const double> log_rest;  // (Tq) log r
  };

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    if (options.remainder == "head_bias")
      head_bias_ =
          params.declare("head_bias", spec.heads, spec.dim / spec.heads, Init::zeros(), Role::undecayed);
  }

  void prepare(Index tq, Index tk, const Mask& mask) const {
    require_own_keys("stick-breaking", tq, tk, mask);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const std::span<double> log_rest = memory.template keep_span<double>(in.q.rows());
    sticks_forward(map(in), tiles(in), o, log_rest, memory);
    if (options.remainder != "drop")
      for (Index i = 0; i < o.rows(); ++i) o.row(i) += rest(log_rest, i) * taker(in, i).row(0);
    return {log_rest};
  }

  // With w_i for what takes the rest:    dr_i = do_i.w_i   dw_i += r_i do_i
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const std::span<double> rho = memory.template temp_span<double>(in.q.rows());
    for (Index i = 0; i < d_o.rows(); ++i) {
      double& rho_i = rho[static_cast<std::size_t>(i)] = 0;
      if (options.remainder == "drop") continue;
      const S r = rest(saved.log_rest, i);
      rho_i = static_cast<double>(r * d_o.row(i).dot(taker(in, i).row(0)));
      if (head_bias_)
        grad.param(head_bias_).row(in.index) += r * d_o.row(i);
      else
        grad.v.row(i + in.mask.offset) += r * d_o.row(i);
    }
    sticks_backward<S>(map(in), tiles(in), saved.log_rest, rho, d_o, grad.q, grad.k, grad.v, memory);
  }

  void weights(const Head<S>& in, const Saved&, Mat<S> p, Memory<S>& memory) const {
    sticks_weights<S>(map(in), tiles(in), p, memory);
  }

  Cost cost(const HeadSize& size) const {
    HeadSize seen = size;
    seen.mask = visible(size.mask);
    return {dense_cost(seen).flops, dense_cost(size).state_bytes};
  }

 private:
  Mask visible(Mask mask) const {
    if (!options.attend_current) --mask.offset;
    return mask;
  }
  DenseTiles tiles(const Head<S>& in) const {
    return {in.q.rows(), in.k.rows(), visible(in.mask), options.tile};
  }
  SoftmaxMap<S> map(const Head<S>& in) const {
    const double tau = 1 / std::sqrt(static_cast<double>(in.q.cols()));
    return {in.q, in.k, in.v, static_cast<S>(tau), in.slope, in.mask.offset, nullptr, in.dropout};
  }

  static S rest(std::span<const double> log_rest, Index i) {
    return static_cast<S>(std::exp(log_rest[static_cast<std::size_t>(i)]));
  }
  // (1,V): what takes the rest of query i
  ConstMat<S> taker(const Head<S>& in, Index i) const {
    if (head_bias_) return row_block(head_bias_.value(), in.index, 1);
    return row_block(in.v, i + in.mask.offset, 1);
  }

  Param<S> head_bias_;
};
}  // namespace

HEED_MIXER(stick_breaking, StickBreaking,
           "Each key takes a share of what newer keys have left, with a sigmoid instead of a softmax",
           "Tan et al. 2024")
