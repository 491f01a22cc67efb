#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/register.h"
#include "variants/parts/decayed_mixer.h"

namespace {
using namespace heed;

// Gated linear attention (Yang et al. 2024, eq. 3 and section 4.4): linear attention with a decay for each
// token and key channel.
//     g_t = log sigmoid(W_a x_t + b_a) / 16        s_t = diag(e^{g_t}) s_{t-1} + k_t^T v_t        u_t = q_t
//     s_t / sqrt(K) o_t = rms(u_t) * gain * silu(W_g x_t)
// W_a is a product of two matrices, of rank 16. Derivation: docs/variants/decayed.md.
template <class S>
struct Gla : DecayedMixer<Gla<S>, S> {
  using Base = DecayedMixer<Gla<S>, S>;
  static constexpr bool kLearnsDecay = true;

  struct Options {
    double expand_key = 0.5, decay_divisor = 16;
    Index decay_rank = 16, chunk = 64;
    bool output_norm = true;
    std::string output_gate = "silu";
    void describe(auto& option) {
      option("expand_key", expand_key,
             {.min = 0.125, .max = 8, .doc = "width of queries and keys, as a multiple of dim / heads"});
      option("decay_divisor", decay_divisor,
             {.min = 1e-3, .max = 1e6, .doc = "divides the log decay; larger: slower decay"});
      option("decay_rank", decay_rank,
             {.min = 0, .doc = "rank of the projection of decays; 0: a whole matrix"});
      option("output_norm", output_norm, {.doc = "RMS norm of each head's output, with a gain"});
      option("output_gate", output_gate,
             {.choices = {"silu", "sigmoid", "none"}, .doc = "multiply each head's output by act(W x)"});
      describe_decayed(option, chunk);
    }
  } options;

  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    const double key = std::round(options.expand_key * static_cast<double>(width));
    return {spec.heads, std::max<Index>(1, static_cast<Index>(key)), width};
  }
  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    std::vector<MixerInput> out = {{.name = "decay",
                                    .width = shape(spec).key,
                                    .side = Side::key,
                                    .bias = 0.0,
                                    .rank = options.decay_rank}};
    if (gate() != Gate::none) out.push_back({.name = "gate", .width = shape(spec).value});
    return out;
  }
  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    refuse_score_bias(spec, "gla");
    if (options.output_norm)
      gain_ = params.declare("output_gain", 1, shape(spec).value, Init::ones(), Role::undecayed);
  }

  double scale(const Head<S>& in) const { return 1 / std::sqrt(static_cast<double>(in.k.cols())); }

  // log sigmoid(a) = min(a, 0) - log(1 + e^-|a|), divided
  Mat<S> log_decay(const Head<S>& in, Memory<S>& memory) const {
    const Mat<S> g = kept_room(memory, in.k.rows(), in.k.cols());
    for (Index t = 0; t < g.rows(); ++t) {
      const auto a = in.input(0).row(t).array();
      row(g, t) = (a.min(S(0)) - (-a.abs()).exp().log1p()) / divisor();
    }
    return g;
  }
  // da = dg sigmoid(-a), divided. In the tile: the rows of the input begin at any address, and there the bits
  // of exp depend on it.
  void log_decay_backward(const Head<S>& in, Mat<S>, Mat<S> dg, HeadGrad<S>& grad) const {
    for (Index t = 0; t < dg.rows(); ++t) row(dg, t) /= divisor() * (1 + in.input(0).row(t).array().exp());
    add_rows<S>(dg, grad.input(0));
  }

  HeadOutput<S> output_of_head(const Head<S>&, Memory<S>&) const {
    return {options.output_norm ? gain_.value() : Base::no_rows(), kEps, gate()};
  }
  ConstMat<S> gate_of_head(const Head<S>& in) const {
    return gate() == Gate::none ? ConstMat<S>(Base::no_rows()) : in.input(1);
  }
  Mat<S> gate_of_head(const HeadGrad<S>& grad) const {
    return gate() == Gate::none ? Base::no_rows() : grad.input(1);
  }
  Mat<S> gain_of_head(const HeadGrad<S>& grad, Memory<S>&) const {
    return options.output_norm ? grad.param(gain_) : Base::no_rows();
  }

 private:
  static constexpr double kEps = 1e-5;  // of the released layer

  Gate gate() const { return gate_named(options.output_gate); }
  S divisor() const { return static_cast<S>(options.decay_divisor); }

  Param<S> gain_;
};
}  // namespace

HEED_MIXER(gla, Gla, "Gated linear attention: a decay for each token and key channel, norm and gate",
           "Yang et al. 2024")
