#pragma once

#include "core/packed_tile.h"
#include "variants/parts/tiles.h"

namespace heed {

// to (rows.size, cols) = the chosen rows of `from`
template <class S>
void gather(In<S> from, const Rows& rows, Mat<S> to) {
  for (Index r = 0; r < rows.size; ++r) row(to, r) = from.row(rows[r]).array();
}

// the chosen rows of `to` += from
template <class S>
void scatter_add(Mat<S> from, const Rows& rows, Mat<S> to) {
  for (Index r = 0; r < rows.size; ++r) to.row(rows[r]).array() += row(from, r);
}

}  // namespace heed
