#pragma once

#include <string>
#include <string_view>

#include "core/params.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

enum class NormKind { layer, rms };

struct NormSpec {
  NormKind kind = NormKind::layer;
  double eps = 1e-5;
  bool gain = true;  // multiply by a learned vector?
  bool bias = true;  // add a learned vector? Only for layer norm with a gain.
};

// For each row of x; var is the biased variance:
// Layer norm (Ba et al. 2016)      z = (x - mean x) / sqrt(var x + eps)   y = gain * z + bias
// RMS norm (Zhang, Sennrich 2019)  z = x / sqrt(mean x^2 + eps)           y = gain * z
template <class S>
class Norm {
 public:
  Norm(std::string_view name, Index dim, const NormSpec& spec, Params<S>& params);

  void forward(Step<S>& step, Seq<const S> x, Seq<S> y);     // keeps a view of x
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx);  // adds

 private:
  NormSpec spec_;
  Param<S> gain_, bias_;
  Seq<const S> x_;
  std::span<S> mean_, scale_;  // of each row: the mean (0 for RMS) and 1 / sqrt(... + eps)
};

extern template class Norm<float>;
extern template class Norm<double>;

}  // namespace heed
