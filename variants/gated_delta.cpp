#include "variants/parts/delta_mixer.h"

namespace {
using namespace heed;

struct GatedDeltaOptions : DeltaOptions {
  GatedDeltaOptions() { output_gate = "silu"; }
};

// Gated DeltaNet: the delta rule on a state that decays, by one number for each token and head.
//     s~ = e^{g_t} s_{t-1}      s_t = s~ + k_t (beta_t (v_t - s~^T k_t))^T      o_t = s_t^T q_t / sqrt(K)
// Yang et al. 2025, eq. 10
template <class S>
using GatedDelta = DeltaMixer<S, GatedDeltaOptions, ScalarWrite<S>, LogDecay<S, false>>;
}  // namespace

HEED_MIXER(gated_delta, GatedDelta, "Gated DeltaNet: the delta rule on a state that decays",
           "Yang et al. 2025")
