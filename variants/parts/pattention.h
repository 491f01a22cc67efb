#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include "core/layer.h"
#include "core/ops/activation.h"
#include "core/params.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// Options of attention over parameter tokens.
struct PattentionOptions {
  std::string mode = "l2_norm_gelu", gelu = "erf";
  double eps = 1e-5;
  void describe(auto& option) {
    option("mode", mode,
           {.choices = {"l2_norm_gelu", "gelu_l2_norm", "softmax"},
            .doc = "how scores become weights: normalize then GELU, GELU then normalize, or a softmax"});
    option("gelu", gelu, {.choices = {"erf", "tanh"}, .doc = "the exact GELU or its approximation"});
    option("eps", eps, {.min = 0, .max = 1, .doc = "added to the norm of a row of scores"});
  }
};

// Attention over parameter tokens, instead of a linear map: y = w(x K^T) V. x (R,I)  K (n,I)  V (n,O)  y
// (R,O);  w maps each row s of n scores to weights a:
//
//     l2_norm_gelu    a = GELU(tau s / (|s| + eps))             tau = sqrt(n)
//     gelu_l2_norm    a = tau t / (|t| + eps),  t = GELU(s)     tau = sqrt(n)
//     softmax         a = tau softmax(s)                        tau = n
//
// Wang et al. 2024 (TokenFormer), section 3.2. Derivation: docs/variants/tokenformer.md. tau is stored: it
// is set once as above and then only read, so that appending tokens with zero keys does not change the
// function (in the first two modes). A row whose norm is 0 has weights 0. Has the interface of
// core/ops/linear.h and, like it, keeps a view of x for backward.
template <class S>
class Pattention {
 public:
  // key_stddev, value_stddev: of the normals that tokens are drawn from
  Pattention(std::string_view name, Index in, Index out, Index tokens, const PattentionOptions& options,
             double key_stddev, double value_stddev, Params<S>& params);

  void forward(Step<S>& step, Seq<const S> x, Seq<S> y);
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx);  // adds into dx and the gradients

  double flops(Index rows) const { return 2.0 * static_cast<double>(rows * tokens_ * (in_ + out_)); }

 private:
  enum class Mode { l2_norm_gelu, gelu_l2_norm, softmax };

  S tau() const { return tau_.value()(0, 0); }
  S gain(S norm) const;
  // (rows, tokens) matrices whose rows start on a cache line, so that sums along them have the same bits
  // everywhere.
  Index stride() const {
    constexpr Index line = kAlignment / sizeof(S);
    return (tokens_ + line - 1) / line * line;
  }
  Mat<S> padded(S* data, Index rows) const { return {data, rows, tokens_, Eigen::OuterStride<>(stride())}; }
  Mat<S> padded(Memory<S>& memory, Index rows) const {
    return padded(memory.template temp_span<S>(rows * stride()).data(), rows);
  }

  void weigh(In<S> s, Mat<S> a) const;
  void weigh_backward(In<S> s, Mat<S> a, Mat<S> d, Memory<S>& memory) const;
  template <class Scores, class Grad>
  void normalize_backward(const Scores& s, S norm, Grad&& d) const;

  Mode mode_;
  Activation gelu_;
  double eps_;
  Index in_, out_, tokens_;
  Param<S> k_, v_, tau_;
  Seq<const S> x_;  // of the latest forward
  S* s_ = nullptr;  // its scores, all rows
};

// Of the values' start in the released models.
template <class S>
double value_stddev(const LayerSpec<S>& spec) {
  return 2 / (static_cast<double>(spec.layers) * std::sqrt(static_cast<double>(spec.dim)));
}

extern template class Pattention<float>;
extern template class Pattention<double>;

}  // namespace heed
