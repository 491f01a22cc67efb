#pragma once

#include "core/params.h"
#include "core/step.h"

namespace heed {

// Returns the 2-norm of all gradients together, summed in double and in a fixed order.
template <class S>
double gradient_norm(Step<S>& step, const Params<S>& params);

// Multiplies all gradients by min(1, max_norm / (norm + 1e-6)). Requires: norm is finite.
template <class S>
void clip_gradients(Params<S>& params, double norm, double max_norm);

}  // namespace heed
