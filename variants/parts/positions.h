#pragma once

#include <fmt/format.h>

#include "core/error.h"
#include "core/layer.h"
#include "core/position.h"
#include "core/views.h"

namespace heed {

// Does the position rotate queries and keys of this width? Null: there is no position.
template <class S>
bool rotates(const Position<S>* position, Index width) {
  if (!position) return false;
  Matrix<S> q = Matrix<S>::Ones(1, width);
  position->rotate({q.data(), 1, 1, 1, width}, 1);
  return q != Matrix<S>::Ones(1, width);
}

// Throws: Error if the position adds a bias to scores (alibi), of a variant that has no scores.
template <class S>
void refuse_score_bias(const LayerSpec<S>& spec, const char* variant) {
  if (spec.position && spec.position->slope(0, spec.heads) != 0)
    throw Error(fmt::format(
        "'{}' has no scores that a position could bias: position must be another kind than alibi.", variant));
}

}  // namespace heed
