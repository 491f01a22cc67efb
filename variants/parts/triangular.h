#pragma once

#include <algorithm>

#include "core/ops/product.h"
#include "core/views.h"

namespace heed {

// Solves with I - l, l (n,n) strictly lower triangular; what l holds on and above its diagonal is not read.
// Forward substitution by blocks of rows, never an inverse: within a block row by row, before it by products.

constexpr Index kSolveBlock = 16;

namespace detail {
template <class S>
ConstMat<S> block(In<S> m, Index row, Index col, Index rows, Index cols) {
  return {m.data() + row * m.outerStride() + col, rows, cols, Eigen::OuterStride<>(m.outerStride())};
}
// to += a from, rows of x
template <class S>
inline void add_row(S a, const S* from, Index n, S* to) {
  using Row = Eigen::Array<S, 1, Eigen::Dynamic>;
  Eigen::Map<Row>(to, n) += a * Eigen::Map<const Row>(from, n);
}
}  // namespace detail

// x (n,M), in place:    (I - l) x' = x, that is    x'_i = x_i + sum_{j < i} l_ij x'_j
template <class S>
void solve_unit_lower(In<S> l, Mat<S> x) {
  const Index n = x.rows(), stride = x.outerStride();
  for (Index at = 0; at < n; at += kSolveBlock) {
    const Index end = std::min(at + kSolveBlock, n);
    if (at > 0)
      add_product_ab<S>(detail::block<S>(l, at, 0, end - at, at), row_block(x, 0, at),
                        row_block(x, at, end - at));
    for (Index i = at; i < end; ++i)
      for (Index j = at; j < i; ++j)
        detail::add_row(l(i, j), x.data() + j * stride, x.cols(), x.data() + i * stride);
  }
}

// The transpose:    (I - l)^T x' = x, that is    x'_j = x_j + sum_{i > j} l_ij x'_i
template <class S>
void solve_unit_lower_transposed(In<S> l, Mat<S> x) {
  const Index n = x.rows(), stride = x.outerStride();
  for (Index at = (n - 1) / kSolveBlock * kSolveBlock; at >= 0; at -= kSolveBlock) {
    const Index end = std::min(at + kSolveBlock, n);
    if (end < n)
      add_product_atb<S>(detail::block<S>(l, end, at, n - end, end - at), row_block(x, end, n - end),
                         row_block(x, at, end - at));
    for (Index j = end - 1; j >= at; --j)
      for (Index i = j + 1; i < end; ++i)
        detail::add_row(l(i, j), x.data() + i * stride, x.cols(), x.data() + j * stride);
  }
}

}  // namespace heed
