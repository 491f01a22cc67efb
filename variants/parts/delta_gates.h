#pragma once

#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

#include "core/mixer.h"
#include "variants/parts/delta_rule.h"

namespace heed {

// The gates of the delta rules, from a mixer's inputs: what is erased and written, and how the state decays.
// Each names its inputs and maps the rows first .. first+n-1 of them to a chunk's tokens, forward beside
// backward. A mixer has one of each kind.

namespace detail {
template <class S>
S logistic(S x) {
  return 1 / (1 + std::exp(-x));
}
// to = sigmoid of rows of x, a tile
template <class S>
void sigmoid_rows(In<S> x, Index first, Mat<S> to) {
  gather<S>(x, Rows{nullptr, first, to.rows()}, to);
  whole(to) = (1 + (-whole(to)).exp()).inverse();
}
}  // namespace detail

// One number for each token: e = -beta k, v = beta v', beta = range sigmoid(input).
template <class S>
struct ScalarWrite {
  static constexpr Index kInputs = 1;
  S range;  // 1, or 2: eigenvalues 1 - beta of the step from -1 on

  static std::vector<MixerInput> inputs(Index, Index) { return {{.name = "beta"}}; }

  // x.k is set; x.v is v' and becomes what is written
  void forward(const Head<S>& in, Index first, DeltaTokens<S> x, Memory<S>&) const {
    for (Index i = 0; i < x.size(); ++i) {
      const S beta = beta_of(in, first + i);
      row(x.e, i) = -beta * row(x.k, i);
      row(x.v, i) *= beta;
    }
  }
  // v: v'. dx.k and dx.v become gradients of k and v'.
  void backward(const Head<S>& in, Index first, const DeltaTokens<S>& x, Mat<S> v, DeltaTokens<S> dx,
                HeadGrad<S>& grad, Memory<S>&) const {
    Mat<S> dinput = grad.input(0);
    for (Index i = 0; i < x.size(); ++i) {
      const S beta = beta_of(in, first + i);
      const S dbeta = (row(dx.v, i) * row(v, i)).sum() - (row(dx.e, i) * row(x.k, i)).sum();
      dinput(first + i, 0) += dbeta * beta * (1 - beta / range);
      row(dx.k, i) -= beta * row(dx.e, i);
      row(dx.v, i) *= beta;
    }
  }

 private:
  S beta_of(const Head<S>& in, Index t) const { return range * detail::logistic(in.input(0)(t, 0)); }
};

// A number for each channel: e = -b * k, v = w * v', b = range sigmoid(erase), w = sigmoid(write).
template <class S>
struct ChannelWrite {
  static constexpr Index kInputs = 2;
  S range;

  static std::vector<MixerInput> inputs(Index key, Index value) {
    return {{.name = "erase", .width = key}, {.name = "write", .width = value}};
  }

  void forward(const Head<S>& in, Index first, DeltaTokens<S> x, Memory<S>& memory) const {
    typename Memory<S>::Scope scope(memory);
    const Mat<S> b = tile_room(memory, x.size(), x.k.cols()), w = tile_room(memory, x.size(), x.v.cols());
    detail::sigmoid_rows<S>(in.input(0), first, b);
    detail::sigmoid_rows<S>(in.input(1), first, w);
    for (Index i = 0; i < x.size(); ++i) {
      row(x.e, i) = -range * row(b, i) * row(x.k, i);
      row(x.v, i) *= row(w, i);
    }
  }
  void backward(const Head<S>& in, Index first, const DeltaTokens<S>& x, Mat<S> v, DeltaTokens<S> dx,
                HeadGrad<S>& grad, Memory<S>& memory) const {
    typename Memory<S>::Scope scope(memory);
    const Mat<S> b = tile_room(memory, x.size(), x.k.cols()), w = tile_room(memory, x.size(), x.v.cols());
    detail::sigmoid_rows<S>(in.input(0), first, b);
    detail::sigmoid_rows<S>(in.input(1), first, w);
    Mat<S> derase = grad.input(0), dwrite = grad.input(1);
    for (Index i = 0; i < x.size(); ++i) {
      derase.row(first + i).array() -= range * row(dx.e, i) * row(x.k, i) * row(b, i) * (1 - row(b, i));
      dwrite.row(first + i).array() += row(dx.v, i) * row(v, i) * row(w, i) * (1 - row(w, i));
      row(dx.k, i) -= range * row(b, i) * row(dx.e, i);
      row(dx.v, i) *= row(w, i);
    }
  }
};

// The state does not decay.
template <class S>
struct NoDecay {
  using Kernel = ScalarDecay<S>;
  static constexpr bool kDecays = false;
  void declare(Index, Index, Params<S>&) {}
  static std::vector<MixerInput> inputs(Index, Index) { return {}; }
  static Mat<S> room(Memory<S>&, Index, Index) { return mat<S>(nullptr, 0, 0); }
  void forward(const Head<S>&, Index, Index, Mat<S>) const {}
  void backward(const Head<S>&, Index, Index, Mat<S>, Mat<S>, HeadGrad<S>&, Memory<S>&) const {}
};

// g = -e^a softplus(input + b), with a for each head and b for each number of it. Both start so that decays
// spread over time scales, as in Mamba: e^a uniform in 1 .. 16, softplus(b) log-uniform in 0.001 .. 0.1.
template <class S, bool kChannels>
class LogDecay {
 public:
  using Kernel = std::conditional_t<kChannels, ChannelDecay<S>, ScalarDecay<S>>;
  static constexpr bool kDecays = true;

  void declare(Index heads, Index key, Params<S>& params) {
    a_ = params.declare("A_log", 1, heads, Init::drawn([](Draws& draws, std::span<double> all) {
                          for (double& x : all) x = std::log(1 + 15 * draws.uniform());
                        }),
                        Role::undecayed);
    b_ = params.declare("dt_bias", heads, width(key), Init::drawn([](Draws& draws, std::span<double> all) {
                          for (double& x : all) {
                            const double step = std::exp(std::log(1e-3) + std::log(100) * draws.uniform());
                            x = step + std::log(-std::expm1(-step));  // softplus(x) = step
                          }
                        }),
                        Role::undecayed);
  }
  static std::vector<MixerInput> inputs(Index key, Index rank) {
    return {{.name = "decay", .width = width(key), .rank = rank}};
  }
  static Mat<S> room(Memory<S>& memory, Index n, Index key) { return Kernel::room(memory, n, key); }

  void forward(const Head<S>& in, Index input, Index first, Mat<S> g) const {
    const S rate = std::exp(a_.value()(0, in.index));
    shifted(in, input, first, g);
    for (Index i = 0; i < g.rows(); ++i)  // softplus(x) = max(x, 0) + log(1 + e^-|x|)
      row(g, i) = -rate * (row(g, i).max(S(0)) + (-row(g, i).abs()).exp().log1p());
  }
  // dinput = db = -e^a sigmoid(input + b) dg      da = sum g dg
  void backward(const Head<S>& in, Index input, Index first, Mat<S> g, Mat<S> dg, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const S rate = std::exp(a_.value()(0, in.index));
    Mat<S> da = grad.param(a_), db = grad.param(b_), dinput = grad.input(input);
    const Mat<S> x = room(memory, g.rows(), g.cols());
    shifted(in, input, first, x);
    for (Index i = 0; i < g.rows(); ++i) {
      da(0, in.index) += (row(g, i) * row(dg, i)).sum();
      row(dg, i) *= -rate * (1 + (-row(x, i)).exp()).inverse();
      dinput.row(first + i).array() += row(dg, i);
      db.row(in.index).array() += row(dg, i);
    }
  }

 private:
  static Index width(Index key) { return kChannels ? key : 1; }
  // x = input + b
  void shifted(const Head<S>& in, Index input, Index first, Mat<S> x) const {
    gather<S>(in.input(input), Rows{nullptr, first, x.rows()}, x);
    for (Index i = 0; i < x.rows(); ++i) row(x, i) += b_.value().row(in.index).array();
  }

  Param<S> a_, b_;
};

}  // namespace heed
