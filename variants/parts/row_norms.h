#pragma once

#include <algorithm>
#include <cmath>

#include "core/views.h"

namespace heed {

// Norms of rows, forward beside backward. Backward reads x and computes the norm again, so nothing is kept.
// x, y (T,D); dx and dgain are added to.

template <class S>
S reciprocal_rms(In<S> x, Index i, double eps) {
  return 1 / std::sqrt(x.row(i).squaredNorm() / static_cast<S>(x.cols()) + static_cast<S>(eps));
}

// y_i = r_i x_i * gain, r_i = 1 / sqrt(mean(x_i^2) + eps).    gain (1,D)
template <class S>
void rms_rows(In<S> x, In<S> gain, double eps, Mat<S> y) {
  for (Index i = 0; i < x.rows(); ++i)
    y.row(i).array() = reciprocal_rms<S>(x, i, eps) * x.row(i).array() * gain.row(0).array();
}
// With n = r x and e = dy * gain:    dgain += dy * n    dx += r (e - n mean(e * n))
template <class S>
void rms_rows_backward(In<S> x, In<S> gain, double eps, In<S> dy, Mat<S> dx, Mat<S> dgain) {
  for (Index i = 0; i < x.rows(); ++i) {
    const S r = reciprocal_rms<S>(x, i, eps);
    const S dot = (dy.row(i).array() * gain.row(0).array() * x.row(i).array()).sum();
    const S along = r * r * r * dot / static_cast<S>(x.cols());  // r * r mean(e * n)
    dgain.row(0).array() += r * dy.row(i).array() * x.row(i).array();
    dx.row(i).array() += r * dy.row(i).array() * gain.row(0).array() - along * x.row(i).array();
  }
}

template <class S>
S reciprocal_length(In<S> x, Index i, double eps) {
  return 1 / std::sqrt(x.row(i).squaredNorm() + static_cast<S>(eps));
}

// y_i = r_i x_i, r_i = 1 / sqrt(sum(x_i^2) + eps)
template <class S>
void l2_rows(In<S> x, double eps, Mat<S> y) {
  for (Index i = 0; i < x.rows(); ++i) y.row(i) = reciprocal_length<S>(x, i, eps) * x.row(i);
}
// dx_i += g r_i (dy_i - y_i (y_i.dy_i)), the gradient through g y
template <class S>
void l2_rows_backward(In<S> x, double eps, In<S> dy, Mat<S> dx, S g = 1) {
  for (Index i = 0; i < x.rows(); ++i) {
    const S r = reciprocal_length<S>(x, i, eps);
    const S along = r * r * r * (x.row(i).array() * dy.row(i).array()).sum();
    dx.row(i).array() += g * (r * dy.row(i).array() - along * x.row(i).array());
  }
}

constexpr double kLeastSum = 1e-12;  // all features may be so small that their sum underflows
template <class S>
S sum_of_row(In<S> x, Index i) {
  return (x.row(i).array() + S(0)).sum();  // + 0: the sum of an expression does not depend on addresses
}

// y_i = x_i / max(sum(x_i), 1e-12).    Requires: x >= 0
template <class S>
void sum_rows(In<S> x, Mat<S> y) {
  for (Index i = 0; i < x.rows(); ++i) y.row(i) = x.row(i) / std::max(sum_of_row<S>(x, i), S(kLeastSum));
}
// dx_i += (dy_i - y_i.dy_i) / sum(x_i); below the least sum, which is a constant, dx_i += dy_i / least
template <class S>
void sum_rows_backward(In<S> x, In<S> dy, Mat<S> dx) {
  for (Index i = 0; i < x.rows(); ++i) {
    const S sum = sum_of_row<S>(x, i), r = 1 / std::max(sum, S(kLeastSum));
    const S along = sum < S(kLeastSum) ? S(0) : r * (r * x.row(i).array() * dy.row(i).array()).sum();
    dx.row(i).array() += r * dy.row(i).array() - along;
  }
}

}  // namespace heed
