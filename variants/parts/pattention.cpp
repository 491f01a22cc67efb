#include "variants/parts/pattention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops/product.h"

namespace heed {
namespace {

// Work is divided into blocks of rows. Gradients of tokens are summed over groups of this many blocks,
// which bounds the memory of backward for any batch.
constexpr Index kBlock = 64;
constexpr Index kGroup = 16;

Index blocks(Index n) { return (n + kBlock - 1) / kBlock; }

// A sum of squares overflows in float above 1e19 and underflows below 1e-19; then the slower stable norm is
// used.
template <class Row>
auto norm_of(const Row& row) {
  using S = typename Row::Scalar;
  const S squares = row.squaredNorm();
  constexpr S least = std::numeric_limits<S>::min() / std::numeric_limits<S>::epsilon();
  return squares > least && squares < std::numeric_limits<S>::max() ? std::sqrt(squares) : row.stableNorm();
}

}  // namespace

template <class S>
Pattention<S>::Pattention(std::string_view name, Index in, Index out, Index tokens,
                          const PattentionOptions& options, double key_stddev, double value_stddev,
                          Params<S>& params)
    : mode_(options.mode == "softmax"        ? Mode::softmax
            : options.mode == "gelu_l2_norm" ? Mode::gelu_l2_norm
                                             : Mode::l2_norm_gelu),
      gelu_(options.gelu == "tanh" ? Activation::gelu_tanh : Activation::gelu_erf),
      eps_(options.eps),
      in_(in),
      out_(out),
      tokens_(tokens) {
  const auto scope = params.scope(name);
  const auto n = static_cast<double>(tokens);
  // A token with a zero key has score 0, hence weight 0 except in a softmax. Its value must be drawn: if
  // both were zero, neither would ever get a gradient.
  const bool grows = mode_ != Mode::softmax;
  k_ = params.declare("key_tokens", tokens, in, Init::normal(key_stddev), Role::decayed,
                      grows ? NewRows::zero : NewRows::refused);
  v_ = params.declare("value_tokens", tokens, out, Init::normal(value_stddev), Role::decayed,
                      grows ? NewRows::drawn : NewRows::refused);
  tau_ = params.declare("tau", 1, 1, Init::constant(mode_ == Mode::softmax ? n : std::sqrt(n)), Role::fixed);
}

// s = x K^T   a = w(s)   y = a V
template <class S>
void Pattention<S>::forward(Step<S>& step, Seq<const S> x, Seq<S> y) {
  x_ = x;
  const Index rows = x.row_count();
  s_ = step.training ? step.memory().template keep_span<S>(x.batch * x.time * stride()).data() : nullptr;
  const ConstMat<S> k = k_.value(), v = v_.value();
  step.parallel_for(blocks(rows), [&](Index i, Memory<S>& memory) {
    const Index from = i * kBlock, n = std::min(kBlock, rows - from);
    Mat<S> s = s_ ? padded(s_ + from * stride(), n) : padded(memory, n), a = padded(memory, n);
    product_abt(row_block(x.rows(), from, n), k, s);
    weigh(s, a);
    product_ab(a, v, row_block(y.rows(), from, n));
  });
}

// da = dy V^T   dV += a^T dy   ds = w'(s; da)   dx += ds K   dK += ds^T x
template <class S>
void Pattention<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  const ConstMat<S> k = k_.value(), v = v_.value();
  Mat<S> dk = k_.grad(), dv = v_.grad();
  const Index all = x_.row_count();
  Memory<S> memory = step.memory();
  for (Index start = 0; start < all; start += kGroup * kBlock) {
    typename Memory<S>::Scope scope(memory);
    const Index rows = std::min(kGroup * kBlock, all - start);
    Mat<S> a = padded(memory, rows), d = padded(memory, rows);  // d: da, then ds
    step.parallel_for(blocks(rows), [&](Index i, Memory<S>& own) {
      const Index at = i * kBlock, from = start + at, n = std::min(kBlock, rows - at);
      const ConstMat<S> s = padded(s_ + from * stride(), n);
      Mat<S> a_block = padded(a.row(at).data(), n), d_block = padded(d.row(at).data(), n);
      product_abt(row_block(dy.rows(), from, n), v, d_block);
      weigh_backward(s, a_block, d_block, own);
      add_product_ab(d_block, k, row_block(dx.rows(), from, n));
    });
    // Each task owns the gradients of some tokens' values (even) or keys (odd), so no two tasks write to
    // the same place.
    step.parallel_for(blocks(tokens_) * 2, [&](Index i, Memory<S>&) {
      const Index token = i / 2 * kBlock, n = std::min(kBlock, tokens_ - token);
      if (i % 2 == 0)
        add_product_atb(column_block(a, token, n), row_block(dy.rows(), start, rows),
                        row_block(dv, token, n));
      else
        add_product_atb(column_block(d, token, n), row_block(x_.rows(), start, rows),
                        row_block(dk, token, n));
    });
  }
}

// Returns the factor for the scores of a row with this norm.
template <class S>
S Pattention<S>::gain(S norm) const {
  const S below = norm + static_cast<S>(eps_);
  return below > 0 ? tau() / below : S(0);
}

template <class S>
void Pattention<S>::weigh(In<S> s, Mat<S> a) const {
  switch (mode_) {
    case Mode::l2_norm_gelu:
      for (Index r = 0; r < s.rows(); ++r) a.row(r) = gain(norm_of(s.row(r))) * s.row(r);
      return activate<S>(gelu_, a, a);
    case Mode::gelu_l2_norm:
      activate<S>(gelu_, s, a);
      for (Index r = 0; r < s.rows(); ++r) a.row(r) *= gain(norm_of(a.row(r)));
      return;
    case Mode::softmax:
      for (Index r = 0; r < s.rows(); ++r) {
        a.row(r) = (s.row(r).array() - s.row(r).maxCoeff()).exp();  // the largest is 1, so nothing overflows
        a.row(r) *= tau() / a.row(r).sum();
      }
  }
}

// Recomputes a; da becomes ds in place.
template <class S>
void Pattention<S>::weigh_backward(In<S> s, Mat<S> a, Mat<S> d, Memory<S>& memory) const {
  if (mode_ == Mode::softmax) {  // ds = a * (da - p . da),  p = a / tau
    weigh(s, a);
    for (Index r = 0; r < s.rows(); ++r)
      d.row(r).array() = a.row(r).array() * (d.row(r).array() - a.row(r).dot(d.row(r)) / tau());
    return;
  }
  Mat<S> t = padded(memory, s.rows()), norm = memory.temp(s.rows(), 1);
  if (mode_ == Mode::l2_norm_gelu) {  // t = tau s / (|s| + eps)   a = GELU(t)
    for (Index r = 0; r < s.rows(); ++r) {
      norm(r, 0) = norm_of(s.row(r));
      t.row(r) = gain(norm(r, 0)) * s.row(r);
    }
    activate_with_slope(gelu_, t, a);
    d.array() *= t.array();
    for (Index r = 0; r < s.rows(); ++r) normalize_backward(s.row(r), norm(r, 0), d.row(r));
  } else {  // t = GELU(s)   a = tau t / (|t| + eps)
    activate<S>(gelu_, s, t);
    for (Index r = 0; r < s.rows(); ++r) {
      norm(r, 0) = norm_of(t.row(r));
      a.row(r) = gain(norm(r, 0)) * t.row(r);
      normalize_backward(t.row(r), norm(r, 0), d.row(r));
    }
    activate_backward<S>(gelu_, s, d);
  }
}

// Of y = tau s / (r + eps), r = |s|:   ds = tau/(r + eps) (dy - s (u . dy) / (r + eps)),  u = s / r
// Written with u, because s . dy and r^2 overflow first. At r = 0 the second term vanishes.
template <class S>
template <class Scores, class Grad>
void Pattention<S>::normalize_backward(const Scores& s, S norm, Grad&& d) const {
  if (norm > 0) d -= s * ((s / norm).dot(d) / (norm + static_cast<S>(eps_)));
  d *= gain(norm);
}

template class Pattention<float>;
template class Pattention<double>;

}  // namespace heed
