#pragma once

#include "core/views.h"

namespace heed {

// mean_J = (x_{Jb} + ... + x_{Jb+b-1}) / b, for the blocks that `means` (blocks,D) has rows for. Each mean is
// a sum in the order of rows, so equal blocks have bitwise equal means. Requires: these blocks are complete.
template <class S>
void block_means(In<S> x, Index block, Mat<S> means) {
  for (Index b = 0; b < means.rows(); ++b) {
    means.row(b) = x.row(b * block);
    for (Index t = 1; t < block; ++t) means.row(b) += x.row(b * block + t);
    means.row(b) /= static_cast<S>(block);
  }
}
// dx_t += dmean_J / b for t in block J
template <class S>
void block_means_backward(In<S> dmeans, Index block, Mat<S> dx) {
  for (Index b = 0; b < dmeans.rows(); ++b)
    for (Index t = 0; t < block; ++t) dx.row(b * block + t) += dmeans.row(b) / static_cast<S>(block);
}

}  // namespace heed
