#pragma once

#include <algorithm>

#include "core/ops/product.h"
#include "core/views.h"

namespace heed {

// Products with a lower triangle p (n,n), in blocks of rows: what is above the diagonal blocks is not
// computed and not read. For 64 rows that saves a quarter of the products.
constexpr Index kTriangleBlock = 32;

namespace detail {
template <class M>
M cell(M m, Index row, Index col, Index rows, Index cols) {
  return column_block(row_block(m, row, rows), col, cols);
}
// Calls f(at, rows) for the blocks of n rows.
template <class F>
void for_triangle_blocks(Index n, F f) {
  for (Index at = 0; at < n; at += kTriangleBlock) f(at, std::min(kTriangleBlock, n - at));
}
}  // namespace detail

// p = a b^T up to the diagonal block, then zeros.    a, b (n,K)
template <class S>
void lower_product_abt(In<S> a, In<S> b, Mat<S> p) {
  detail::for_triangle_blocks(p.rows(), [&](Index at, Index rows) {
    const Index seen = at + rows;
    product_abt<S>(row_block(a, at, rows), row_block(b, 0, seen), detail::cell(p, at, 0, rows, seen));
    detail::cell(p, at, seen, rows, p.cols() - seen).setZero();
  });
}

// y = p x: row i reads rows j <= i of x.    x, y (n,V)
template <class S>
void lower_product_ab(In<S> p, In<S> x, Mat<S> y) {
  detail::for_triangle_blocks(p.rows(), [&](Index at, Index rows) {
    const Index seen = at + rows;
    product_ab<S>(detail::cell(p, at, 0, rows, seen), row_block(x, 0, seen), row_block(y, at, rows));
  });
}
template <class S>
void add_lower_product_ab(In<S> p, In<S> x, Mat<S> y) {
  detail::for_triangle_blocks(p.rows(), [&](Index at, Index rows) {
    const Index seen = at + rows;
    add_product_ab<S>(detail::cell(p, at, 0, rows, seen), row_block(x, 0, seen), row_block(y, at, rows));
  });
}

// y = p^T x: row j reads rows i >= j of x.    x, y (n,V)
template <class S>
void lower_product_atb(In<S> p, In<S> x, Mat<S> y) {
  const Index n = p.rows();
  detail::for_triangle_blocks(n, [&](Index at, Index rows) {
    product_atb<S>(detail::cell(p, at, at, n - at, rows), row_block(x, at, n - at), row_block(y, at, rows));
  });
}
template <class S>
void add_lower_product_atb(In<S> p, In<S> x, Mat<S> y) {
  const Index n = p.rows();
  detail::for_triangle_blocks(n, [&](Index at, Index rows) {
    add_product_atb<S>(detail::cell(p, at, at, n - at, rows), row_block(x, at, n - at),
                       row_block(y, at, rows));
  });
}

}  // namespace heed
