#pragma once

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

}  // namespace heed
