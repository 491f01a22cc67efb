#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "core/head.h"
#include "core/layer.h"
#include "core/params.h"
#include "variants/parts/row_norms.h"

namespace heed {

struct QkNormOptions {
  std::string qk_norm = "none", qk_norm_gain = "shared";
  double qk_norm_eps = 1e-6;
  void describe(auto& option) {
    option("qk_norm", qk_norm,
           {.choices = {"none", "rms", "l2"},
            .doc = "normalizes each query and key before it is rotated; l2: scores are cosines times one "
                   "learned number"});
    option("qk_norm_gain", qk_norm_gain,
           {.choices = {"shared", "per_head"},
            .doc = "the gain of 'qk_norm', for l2 the learned number: one for all heads, or one for each"});
    option("qk_norm_eps", qk_norm_eps,
           {.min = 1e-30, .max = 1, .doc = "added to the mean square (rms) or the squared length (l2)"});
  }
};

// QK-norm of one head's queries or keys x (T,D). Derivation: docs/variants/softmax.md.
//     rms: y_i = r_i x_i * gain, r_i = 1 / sqrt(mean(x_i^2) + eps)          the gains of q and k differ
//     l2:  y_i = g x_i / sqrt(sum(x_i^2) + eps) for queries, g = 1 for keys     Henry et al. 2020
// g multiplies the scores. It multiplies the queries here, which is the same: rotations are linear.
template <class S>
class QkNorm {
 public:
  void declare(const QkNormOptions& o, const LayerSpec<S>& spec, const HeadShape& shape, Params<S>& params) {
    rms_ = o.qk_norm == "rms", eps_ = o.qk_norm_eps;
    if (o.qk_norm == "none") return;
    const bool shared = o.qk_norm_gain == "shared";
    const Index heads = shared ? 1 : shape.heads, key_heads = shared ? 1 : shape.key_heads;
    const double length = std::max(2.0, static_cast<double>(spec.length));
    q_gain_ = rms_ ? params.declare("q_gain", heads, shape.key, Init::ones(), Role::undecayed)
                   : params.declare("logit_scale", heads, 1,
                                    Init::constant(std::log2(length * length - length)), Role::undecayed);
    if (rms_) k_gain_ = params.declare("k_gain", key_heads, shape.key, Init::ones(), Role::undecayed);
  }

  void forward(Side side, Index head, In<S> x, Mat<S> y) const {
    const Param<S>& gain = gain_of(side);
    if (rms_) return rms_rows<S>(x, of_head(gain.value(), head), eps_, y);
    l2_rows<S>(x, eps_, y);
    if (gain) y *= of_head(gain.value(), head)(0, 0);
  }

  // With g, y = g u and u = l2(x):    dg += sum(dy * u)
  void backward(Side side, Index head, In<S> x, In<S> dy, Mat<S> dx, HeadGrad<S>& grad) const {
    const Param<S>& gain = gain_of(side);
    if (rms_)
      return rms_rows_backward<S>(x, of_head(gain.value(), head), eps_, dy, dx,
                                  of_head(grad.param(gain), head));
    l2_rows_backward<S>(x, eps_, dy, dx, gain ? of_head(gain.value(), head)(0, 0) : S(1));
    if (!gain) return;
    for (Index i = 0; i < x.rows(); ++i)
      of_head(grad.param(gain), head)(0, 0) += reciprocal_length<S>(x, i, eps_) * dy.row(i).dot(x.row(i));
  }

 private:
  const Param<S>& gain_of(Side side) const { return side == Side::query ? q_gain_ : k_gain_; }
  static Mat<S> of_head(Mat<S> gains, Index head) { return row_block(gains, gains.rows() > 1 ? head : 0, 1); }

  bool rms_ = false;
  double eps_ = 0;
  Param<S> q_gain_, k_gain_;  // rms: (1,D) or (heads,D); l2: g (1,1) or (heads,1), and none for keys
};

}  // namespace heed
