#include "variants/parts/delta_mixer.h"

namespace {
using namespace heed;

struct GatedDelta2Options : DeltaOptions {
  GatedDelta2Options() { output_gate = "silu"; }
};

// Gated DeltaNet-2: what is erased and what is written have gates of their own, for each channel.
//     s~ = diag(e^{g_t}) s_{t-1}      s_t = s~ + k_t (w_t * v_t - s~^T (b_t * k_t))^T
//     o_t = s_t^T q_t / sqrt(K)       b = sigmoid(x W_erase), w = sigmoid(x W_write)
// Hatamizadeh, Choi, Kautz 2026
template <class S>
using GatedDelta2 = DeltaMixer<S, GatedDelta2Options, ChannelWrite<S>, LogDecay<S, true>>;
}  // namespace

HEED_MIXER(gated_delta_2, GatedDelta2, "Gated DeltaNet-2: the delta rule with gates to erase and to write",
           "Hatamizadeh et al. 2026")
