#include "core/ops/softmax.h"

#include <algorithm>
#include <cmath>

namespace heed {

template <class S>
void softmax_rows(Mat<S> s, const Mask& mask, S slope) {
  for (Index i = 0; i < s.rows(); ++i) {
    const Index at = mask.causal ? i + mask.offset : i;  // the query's position among the keys
    const Index seen = mask.causal ? std::clamp<Index>(at + 1, 0, s.cols()) : s.cols();
    s.row(i).tail(s.cols() - seen).setZero();
    if (seen == 0) continue;
    auto row = s.row(i).head(seen).array();
    if (slope != S(0))
      for (Index j = 0; j < seen; ++j) row(j) -= slope * static_cast<S>(std::abs(at - j));
    row = (row - row.maxCoeff()).exp();  // the maximum first: exp overflows above 88 in float
    row /= row.sum();
  }
}

template <class S>
void softmax_rows_backward(In<S> p, Mat<S> dp) {
  for (Index i = 0; i < dp.rows(); ++i) {
    const S mean = p.row(i).dot(dp.row(i));
    dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean);
  }
}

template void softmax_rows(Mat<float>, const Mask&, float);
template void softmax_rows(Mat<double>, const Mask&, double);
template void softmax_rows_backward(In<float>, Mat<float>);
template void softmax_rows_backward(In<double>, Mat<double>);

}  // namespace heed
