#pragma once

#include <cmath>

#include "variants/parts/packed_tile.h"

namespace heed {

// Layer norm of the rows of a tile, without gain and bias. z, x, d (n,D) are tiles, r (n,1).

// x_i becomes z_i = (x_i - mean x_i) r_i, with r_i = 1 / sqrt(var x_i + eps).
template <class S>
void layer_rows(double eps, Mat<S> x, Mat<S> r) {
  for (Index i = 0; i < x.rows(); ++i) {
    TileRow<S> z = row(x, i);
    z -= z.mean();
    r(i, 0) = 1 / std::sqrt(z.square().mean() + static_cast<S>(eps));
    z *= r(i, 0);
  }
}

// d = dL/dz_i becomes dL/dx_i = r_i (d - mean d - z_i mean(d z_i)).
template <class S>
void layer_row_backward(const TileRow<S>& z, S r, TileRow<S> d) {
  const S mean = d.mean(), along = (d * z).mean();
  d = r * (d - mean - along * z);
}
template <class S>
void layer_rows_backward(Mat<S> z, Mat<S> r, Mat<S> d) {
  for (Index i = 0; i < d.rows(); ++i) layer_row_backward<S>(row(z, i), r(i, 0), row(d, i));
}

}  // namespace heed
