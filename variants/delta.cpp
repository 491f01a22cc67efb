#include "variants/parts/delta_mixer.h"

namespace {
using namespace heed;

// DeltaNet: the state forgets what it returned for a key when it learns something new for it.
//     s_t = s_{t-1} + k_t (beta_t (v_t - s_{t-1}^T k_t))^T      o_t = s_t^T q_t / sqrt(K)
// The rule: Schlag et al. 2021. The layer of the defaults and the chunked form: Yang et al. 2024.
template <class S>
using Delta = DeltaMixer<S, DeltaOptions, ScalarWrite<S>, NoDecay<S>>;
}  // namespace

HEED_MIXER(delta, Delta, "DeltaNet: linear attention that replaces what its state holds for a key",
           "Schlag et al. 2021; Yang et al. 2024")
