#include <cmath>
#include <string>
#include <vector>

#include "core/register.h"
#include "variants/parts/decayed_mixer.h"

namespace {
using namespace heed;

// Retention (RetNet, Sun et al. 2023, eq. 5 to 8): linear attention with a constant decay for each head.
//     s_t = gamma_h s_{t-1} + k_t^T v_t        u_t = q_t s_t / sqrt(D)        gamma_h = 1 - 2^-(first_decay +
//     h) o_t = rms(u_t) * silu(W x_t)
// The paper divides the parallel form by sums of weights; the norm of the output cancels any such factor. Its
// rotation of queries and keys is `position: rope`. Derivation: docs/variants/decayed.md.
template <class S>
struct Retention : DecayedMixer<Retention<S>, S> {
  using Base = DecayedMixer<Retention<S>, S>;

  struct Options {
    double first_decay = 5;
    Index expand_value = 2, chunk = 64;
    bool output_norm = true;
    std::string output_gate = "silu";
    void describe(auto& option) {
      option("first_decay", first_decay,
             {.min = 0.5,
              .max = 1000,
              .doc = "head h keeps 1 - 2^-(first_decay + h) of its state for each token"});
      option("expand_value", expand_value,
             {.min = 1, .doc = "width of values, as a multiple of dim / heads"});
      option("output_norm", output_norm, {.doc = "RMS norm of each head's output, without a gain"});
      option("output_gate", output_gate,
             {.choices = {"silu", "sigmoid", "none"}, .doc = "multiply each head's output by act(W x)"});
      describe_decayed(option, chunk);
    }
  } options;

  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {spec.heads, width, options.expand_value * width};
  }
  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    if (gate() == Gate::none) return {};
    return {{.name = "gate", .width = shape(spec).value}};
  }
  void declare(const LayerSpec<S>& spec, Params<S>&) { refuse_score_bias(spec, "retention"); }

  double scale(const Head<S>& in) const { return 1 / std::sqrt(static_cast<double>(in.k.cols())); }
  Mat<S> log_decay(const Head<S>& in, Memory<S>& memory) const {
    Mat<S> g = memory.keep(in.k.rows(), 1);
    g.setConstant(
        static_cast<S>(std::log1p(-std::exp2(-options.first_decay - static_cast<double>(in.index)))));
    return g;
  }

  HeadOutput<S> output_of_head(const Head<S>& in, Memory<S>& memory) const {
    if (!options.output_norm) return {Base::no_rows(), kEps, gate()};
    Mat<S> ones = memory.temp(1, in.v.cols());
    ones.setOnes();
    return {ones, kEps, gate()};
  }
  ConstMat<S> gate_of_head(const Head<S>& in) const {
    return gate() == Gate::none ? ConstMat<S>(Base::no_rows()) : in.input(0);
  }
  Mat<S> gate_of_head(const HeadGrad<S>& grad) const {
    return gate() == Gate::none ? Base::no_rows() : grad.input(0);
  }
  Mat<S> gain_of_head(const HeadGrad<S>& grad, Memory<S>& memory) const {  // which nothing reads
    return zeros(memory, 1, grad.v.cols());
  }

 private:
  static constexpr double kEps = 1e-6;  // of the released layer

  Gate gate() const { return gate_named(options.output_gate); }
};
}  // namespace

HEED_MIXER(retention, Retention,
           "Retention: linear attention with a constant decay for each head, norm and gate",
           "Sun et al. 2023")
