#include "core/register.h"
#include "variants/parts/decayed_mixer.h"

namespace {
using namespace heed;

// Fast weights with the sum rule: linear attention without feature map and normalizer.
//     s_t = s_{t-1} + k_t^T v_t        o_t = scale q_t s_t
// Schmidhuber 1992; Schlag et al. 2021, eq. 4 and 5. Derivation: docs/variants/decayed.md, without decay.
template <class S>
struct FastWeights : DecayedMixer<FastWeights<S>, S> {
  struct Options {
    double scale = 1;
    Index chunk = 64;
    void describe(auto& option) {
      option("scale", scale, {.min = 1e-6, .max = 1e6, .doc = "multiplies queries"});
      describe_decayed(option, chunk);
    }
  } options;

  void declare(const LayerSpec<S>& spec, Params<S>&) { refuse_score_bias(spec, "fast_weights"); }
  double scale(const Head<S>&) const { return options.scale; }
  Mat<S> log_decay(const Head<S>& in, Memory<S>& memory) const {
    Mat<S> g = memory.keep(in.k.rows(), 1);
    g.setZero();
    return g;
  }
};
}  // namespace

HEED_MIXER(fast_weights, FastWeights, "Fast weights with the sum rule: linear attention without a normalizer",
           "Schlag et al. 2021")
