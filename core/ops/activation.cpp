#include "core/ops/activation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <type_traits>

#include "core/error.h"

namespace heed {
namespace {

// Arrays are processed in chunks of one fixed size; the last one is padded. So each element is computed by
// the same vector instructions at any position. A remainder computed by scalar code would round
// differently, and a sequence's numbers would depend on its position in the batch.
constexpr Index kChunk = 64;
template <class S>
using Chunk = Eigen::Array<S, kChunk, 1>;

// Beyond these |x| a GELU, and the sigmoid, equal their limits to the last bit. Arguments are clamped
// there, so that exp cannot overflow and inf * 0 cannot occur. NaN stays NaN, so that a failed run is
// detected.
template <class S>
constexpr S kGeluFlat = std::is_same_v<S, float> ? S(14) : S(40);
template <class S>
constexpr S kSigmoidFlat = std::is_same_v<S, float> ? S(80) : S(700);

// e^-x, the odds against: sigmoid(x) = s = 1 / (1 + odds), and 1 - s = odds * s keeps its digits near s = 1.
template <class S>
Chunk<S> odds(const Chunk<S>& x) {
  return (-x).min(kSigmoidFlat<S>).exp();
}
// e^{-x^2/2}
template <class S>
Chunk<S> bell(const Chunk<S>& x) {
  return (S(-0.5) * x.square()).exp();
}

// Phi, the distribution function of the standard normal; b = bell(x).
Chunk<double> normal_cdf(const Chunk<double>& x, const Chunk<double>&) {
  return x.unaryExpr([](double a) { return 0.5 * std::erfc(-a * (std::numbers::sqrt2 / 2)); });
}

// The same in float: Phi(-|x|) = t P(t) e^{-x^2/2}, t = 1 / (1 + 0.29698485 |x|), the form of Abramowitz &
// Stegun 7.1.26 with two more terms. The coefficients are a minimax fit of the relative error (1.7e-7), so
// the small tail keeps its digits; with rounding the absolute error is below 2.5e-7.
Chunk<float> normal_cdf(const Chunk<float>& x, const Chunk<float>& b) {
  const Chunk<float> t = (1.0f + 0.2969848481f * x.abs()).inverse();
  Chunk<float> p = Chunk<float>::Constant(0.03510758912f);
  for (const float c : {-0.1600947994f, 0.2202782321f, -0.06520905343f, 0.1343422642f, 0.09737202072f,
                        0.1197914467f, 0.1184122153f})
    p = p * t + c;
  p *= t * b;
  // The compiler makes this a vector loop only if both values are computed for each x.
  const Chunk<float> above = 1.0f - p;
  for (Index i = 0; i < kChunk; ++i) p[i] = x[i] < 0 ? p[i] : above[i];
  return p;
}

// f(x) and f'(x), which share most of their arithmetic.
template <class S>
struct Both {
  Chunk<S> value, slope;
};

// f = x Phi(x)   f' = Phi(x) + x e^{-x^2/2} / sqrt(2 pi)
template <class S>
Both<S> gelu_erf(const Chunk<S>& x) {
  const Chunk<S> low = x.max(-kGeluFlat<S>), c = low.min(kGeluFlat<S>), b = bell(c), phi = normal_cdf(c, b);
  constexpr double one_over_root = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return {low * phi, phi + c * b * S(one_over_root)};
}

// (1 + tanh u) / 2 = sigmoid(2u): the sigmoid keeps its digits even if 1 + tanh u cancels.
template <class S>
Chunk<S> two_u(const Chunk<S>& x) {
  constexpr S two_root = S(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);  // 2 sqrt(2/pi)
  return two_root * x * (S(1) + S(0.044715) * x.square());
}
template <class S>
Chunk<S> two_u_slope(const Chunk<S>& x) {
  constexpr S two_root = S(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  return two_root * (S(1) + S(3 * 0.044715) * x.square());
}

// f = x s   f' = s + x s (1 - s) (2u)',  s = sigmoid(2u)
template <class S>
Both<S> gelu_tanh(const Chunk<S>& x) {
  const Chunk<S> low = x.max(-kGeluFlat<S>), c = low.min(kGeluFlat<S>), e = odds(two_u(c)),
                 s = (S(1) + e).inverse();
  return {low * s, s + c * s * e * s * two_u_slope(c)};
}

// f = x s   f' = s (1 + x (1 - s)),  s = sigmoid(x)
template <class S>
Both<S> silu(const Chunk<S>& x) {
  const Chunk<S> low = x.max(-kSigmoidFlat<S>), c = low.min(kSigmoidFlat<S>), e = odds(c),
                 s = (S(1) + e).inverse();
  return {low * s, s * (S(1) + c * e * s)};
}

// Calls f(x, y) on n elements, chunk by chunk. f may change y, and x if it is not const.
template <class X, class S, class F>
void by_chunks(X* x, S* y, Index n, F f) {
  Chunk<S> in = Chunk<S>::Zero(), out = Chunk<S>::Zero();
  const auto chunk = [&](Index at, Index size) {
    std::copy_n(x + at, size, in.data());
    std::copy_n(y + at, size, out.data());
    f(in, out);
    if constexpr (!std::is_const_v<X>) std::copy_n(in.data(), size, x + at);
    std::copy_n(out.data(), size, y + at);
  };
  Index at = 0;
  for (; at + kChunk <= n; at += kChunk) chunk(at, kChunk);
  if (at < n) chunk(at, n - at);
}

// Calls with(f) for the requested function.
template <class S, class With>
void choose(Activation f, With with) {
  switch (f) {
    case Activation::gelu_erf:
      return with([](const Chunk<S>& x) { return gelu_erf(x); });
    case Activation::gelu_tanh:
      return with([](const Chunk<S>& x) { return gelu_tanh(x); });
    case Activation::silu:
      return with([](const Chunk<S>& x) { return silu(x); });
  }
}

template <class S>
void activate(Activation f, const S* x, S* y, Index n) {
  choose<S>(f, [&](auto both) { by_chunks(x, y, n, [&](auto& in, auto& out) { out = both(in).value; }); });
}

template <class S>
void activate_backward(Activation f, const S* x, S* d, Index n) {
  choose<S>(f, [&](auto both) { by_chunks(x, d, n, [&](auto& in, auto& out) { out *= both(in).slope; }); });
}

template <class S>
void activate_with_slope(Activation f, S* x, S* y, Index n) {
  choose<S>(f, [&](auto both) {
    by_chunks(x, y, n, [&](auto& in, auto& out) {
      const Both<S> found = both(in);
      in = found.slope;
      out = found.value;
    });
  });
}

// f(x, y, n) for each contiguous piece of two matrices of one shape.
template <class X, class S, class F>
void by_rows(X x, Mat<S> y, F f) {
  if (x.outerStride() == x.cols() && y.outerStride() == y.cols()) return f(x.data(), y.data(), x.size());
  for (Index r = 0; r < x.rows(); ++r) f(x.row(r).data(), y.row(r).data(), x.cols());
}

// task(from, n) for pieces of `size` elements, each a multiple of the chunk size.
template <class S, class F>
void by_pieces(Step<S>& step, Index size, F task) {
  constexpr Index piece = 64 * kChunk;
  step.parallel_for((size + piece - 1) / piece,
                    [&](Index i, Memory<S>&) { task(i * piece, std::min(piece, size - i * piece)); });
}

template <class S>
using Flat = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
template <class S>
using ConstFlat = Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>;

}  // namespace

Activation activation(std::string_view name) {
  if (name == "gelu_erf") return Activation::gelu_erf;
  if (name == "gelu_tanh") return Activation::gelu_tanh;
  HEED_CHECK(name == "silu", "an activation is asked for that does not exist");
  return Activation::silu;
}

template <class S>
void activate(Activation f, In<S> x, Mat<S> y) {
  by_rows(x, y, [f](const S* from, S* to, Index n) { activate(f, from, to, n); });
}

template <class S>
void activate_backward(Activation f, In<S> x, Mat<S> d) {
  by_rows(x, d, [f](const S* from, S* to, Index n) { activate_backward(f, from, to, n); });
}

template <class S>
void activate_with_slope(Activation f, Mat<S> x, Mat<S> y) {
  by_rows(x, y, [f](S* from, S* to, Index n) { activate_with_slope(f, from, to, n); });
}

template <class S>
void activate(Step<S>& step, Activation f, Seq<const S> x, Seq<S> y) {
  by_pieces(step, x.size(), [&](Index at, Index n) { activate(f, x.data + at, y.data + at, n); });
}

template <class S>
void activate_backward(Step<S>& step, Activation f, Seq<const S> x, Seq<S> d) {
  by_pieces(step, x.size(), [&](Index at, Index n) { activate_backward(f, x.data + at, d.data + at, n); });
}

template <class S>
void activate_with_slope(Step<S>& step, Activation f, Seq<S> x, Seq<S> y) {
  by_pieces(step, x.size(), [&](Index at, Index n) { activate_with_slope(f, x.data + at, y.data + at, n); });
}

template <class S>
void swiglu(Step<S>& step, Seq<const S> g, Seq<const S> u, Seq<S> y) {
  by_pieces(step, y.size(), [&](Index at, Index n) {
    activate(Activation::silu, g.data + at, y.data + at, n);
    Flat<S>(y.data + at, n) *= ConstFlat<S>(u.data + at, n);
  });
}

template <class S>
void swiglu_backward(Step<S>& step, Seq<const S> g, Seq<const S> u, Seq<const S> dy, Seq<S> dg, Seq<S> du) {
  by_pieces(step, dy.size(), [&](Index at, Index n) {
    const ConstFlat<S> dout(dy.data + at, n);
    activate(Activation::silu, g.data + at, du.data + at, n);
    Flat<S>(du.data + at, n) *= dout;
    Flat<S>(dg.data + at, n) = dout * ConstFlat<S>(u.data + at, n);
    activate_backward(Activation::silu, g.data + at, dg.data + at, n);
  });
}

#define HEED_INSTANTIATE(S)                                                       \
  template void activate_with_slope<S>(Activation, Mat<S>, Mat<S>);               \
  template void activate_with_slope<S>(Step<S>&, Activation, Seq<S>, Seq<S>);     \
  template void activate<S>(Activation, In<S>, Mat<S>);                           \
  template void activate_backward<S>(Activation, In<S>, Mat<S>);                  \
  template void activate<S>(Step<S>&, Activation, Seq<const S>, Seq<S>);          \
  template void activate_backward<S>(Step<S>&, Activation, Seq<const S>, Seq<S>); \
  template void swiglu<S>(Step<S>&, Seq<const S>, Seq<const S>, Seq<S>);          \
  template void swiglu_backward<S>(Step<S>&, Seq<const S>, Seq<const S>, Seq<const S>, Seq<S>, Seq<S>);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed
