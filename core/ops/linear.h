#pragma once

#include <string_view>

#include "core/params.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// y = x w + b.   x (R,I)  w (I,O)  b (1,O) or empty  y (R,O)
// A linear map with its parameters. Keeps a view of x for backward.
template <class S>
class Linear {
 public:
  // Weights start from a normal distribution with mean 0 and standard deviation `stddev`, biases at
  // bias_start.
  Linear(std::string_view name, Index in, Index out, bool bias, double stddev, Params<S>& params,
         double bias_start = 0);

  void forward(Step<S>& step, Seq<const S> x, Seq<S> y);
  // Adds into dx and the gradients; into the gradients only if dx has no data.
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx);

  double flops(Index rows) const { return 2.0 * static_cast<double>(rows * in_ * out_); }

 private:
  Index in_, out_;
  Param<S> w_, b_;
  Seq<const S> x_;
};

extern template class Linear<float>;
extern template class Linear<double>;

}  // namespace heed
