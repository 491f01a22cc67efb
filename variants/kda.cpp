#include "variants/parts/delta_mixer.h"

namespace {
using namespace heed;

struct KdaOptions : DeltaOptions {
  bool low_rank = true;

  KdaOptions() { output_gate = "sigmoid"; }
  void describe(auto& option) {
    DeltaOptions::describe(option);
    option("low_rank", low_rank,
           {.doc = "project decays and gate through as many numbers as a head's value has, not directly"});
  }
  Index rank(Index value) const { return low_rank ? value : 0; }
  std::optional<double> gate_bias() const { return 0.0; }
};

// Kimi Delta Attention: the gated delta rule with a decay for each key channel.
//     s~ = diag(e^{g_t}) s_{t-1}      s_t = s~ + k_t (beta_t (v_t - s~^T k_t))^T      o_t = s_t^T q_t /
//     sqrt(K)
// Kimi Team 2025, "Kimi Linear", eq. 1
template <class S>
using Kda = DeltaMixer<S, KdaOptions, ScalarWrite<S>, LogDecay<S, true>>;
}  // namespace

HEED_MIXER(kda, Kda, "Kimi Delta Attention: the delta rule on a state whose channels decay",
           "Kimi Team 2025 (Kimi Linear)")
