#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/mixer.h"
#include "core/ops/product.h"
#include "core/register.h"

namespace {
using namespace heed;

// Linear attention: o_i = sum_j f(q_i).f(k_j) v_j / (sum_j f(q_i).f(k_j) + eps), f(x) = elu(x) + 1; no scale.
// Katharopoulos et al. 2020, eq. 5 and 9; eps as in their code. The gradients are derived in
// docs/variants/linear.md.
//
// The sums over j do not know i, so they are a state of a fixed size. The normaliser is treated as one more
// value channel that is always 1 (written v1 = [v 1]): then one state
//     s1 = sum_j f(k_j) v1_j^T        (key, value + 1)
// holds both sums of the paper side by side. Time is worked through in chunks, so nothing is ever (T, T):
// inside a chunk the quadratic form, across chunks the state.
template <class S>
struct LinearAttention {
  struct Options {
    std::string features = "elu";
    Index chunk = 64;
    double eps = 1e-6;
    void describe(auto& option) {
      option("features", features, {.choices = {"elu"}, .doc = "the feature map; elu: elu(x) + 1"});
      option("chunk", chunk, {.min = 1, .doc = "positions worked on at once; changes speed, not the result"});
      option("eps", eps, {.min = 1e-12, .max = 1, .doc = "added to the denominator"});
    }
  } options;

  struct Saved {
    ConstMat<S> o;  // (Tq, value)
    ConstMat<S> z;  // (Tq, 1) denominators, eps included
  };

  // No parameters: the place to refuse what linear attention cannot do.
  void declare(const LayerSpec<S>& spec, Params<S>&) const {
    if (spec.position && spec.position->slope(0, spec.heads) != 0)
      throw Error(
          "linear attention has no scores that a position could bias: with 'linear', position must be "
          "another kind than alibi.");
  }

  // Causal sums need as many queries as keys, one beside the other; the cross shapes that traits claim by
  // default are those without a mask.
  void prepare(Index tq, Index tk, const Mask& mask) const {
    if (mask.causal && (tq != tk || mask.offset != 0))
      throw Error(
          fmt::format("causal linear attention needs queries and keys side by side, but there are {} "
                      "queries and {} keys at offset {}: take it without the mask, or another variant.",
                      tq, tk, mask.offset));
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> z = memory.keep(in.q.rows(), 1);
    Mat<S> s1 = state(in, memory);
    for (Index at = 0; at < in.q.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Mat<S> fq = features(in.q, at, memory);
      const Index n = fq.rows();
      Mat<S> o1 = memory.temp(n, s1.cols());  // [numerator, denominator]
      product_ab(fq, s1, o1);
      if (in.mask.causal) {
        const Mat<S> fk = features(in.k, at, memory), v1 = with_ones(in.v, at, memory);
        add_product_ab(lower_product(fq, fk, memory), v1, o1);
        add_product_atb(fk, v1, s1);
      }
      z.middleRows(at, n) = o1.rightCols(1).array() + static_cast<S>(options.eps);
      o.middleRows(at, n) = o1.leftCols(o.cols()).array().colwise() / z.middleRows(at, n).col(0).array();
    }
    return {o, z};
  }

  // The gradient of [numerator, denominator] is g1 = [g c] with
  //     g_i = d_o_i / z_i               c_i = -(d_o_i . o_i) / z_i
  // and all else is linear:
  //     df(q_i) = s1_i g1_i             s1_i = sum_{j<=i} f(k_j) v1_j^T, rebuilt from the past to the future
  //     df(k_j) = r1_j v1_j             r1_j = sum_{i>=j} f(q_i) g1_i^T, from the future to the past
  //     dv1_j   = r1_j^T f(k_j)
  // and f'(x), which is 1 above 0 and exp(x) = f(x) below, is min(f(x), 1).
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> s1 = state(in, memory);
    Mat<S> r1 = memory.temp(s1.rows(), s1.cols());
    r1.setZero();
    for (Index at = 0; at < in.q.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Mat<S> fq = features(in.q, at, memory), g1 = quotient_backward(saved, d_o, at, memory);
      Mat<S> dfq = memory.temp(fq.rows(), fq.cols());
      product_abt(g1, s1, dfq);
      if (in.mask.causal) {
        const Mat<S> fk = features(in.k, at, memory), v1 = with_ones(in.v, at, memory);
        add_product_ab(lower_product(g1, v1, memory), fk, dfq);
        add_product_atb(fk, v1, s1);
      } else {
        add_product_atb(fq, g1, r1);
      }
      grad.q.middleRows(at, fq.rows()) += dfq.cwiseProduct(fq.cwiseMin(S(1)));
    }
    for (Index at = last_chunk(in.k.rows()); at >= 0; at -= options.chunk) {
      typename Memory<S>::Scope scope(memory);
      const Mat<S> fk = features(in.k, at, memory), v1 = with_ones(in.v, at, memory);
      Mat<S> dfk = memory.temp(fk.rows(), fk.cols()), dv1 = memory.temp(v1.rows(), v1.cols());
      product_abt(v1, r1, dfk);
      product_ab(fk, r1, dv1);
      if (in.mask.causal) {
        const Mat<S> fq = features(in.q, at, memory), g1 = quotient_backward(saved, d_o, at, memory);
        add_product_atb(lower_product(g1, v1, memory), fq, dfk);
        add_product_atb(lower_product(fq, fk, memory), g1, dv1);
        add_product_atb(fq, g1, r1);
      }
      grad.k.middleRows(at, fk.rows()) += dfk.cwiseProduct(fk.cwiseMin(S(1)));
      grad.v.middleRows(at, fk.rows()) += dv1.leftCols(grad.v.cols());
    }
  }

  // p_ij = f(q_i).f(k_j) / z_i: positive; a row sums to 1 - eps / z_i.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    const Mat<S> fq = memory.temp(in.q.rows(), in.q.cols()), fk = memory.temp(in.k.rows(), in.k.cols());
    apply_features(in.q, fq);
    apply_features(in.k, fk);
    product_abt(fq, fk, p);
    if (in.mask.causal) p.template triangularView<Eigen::StrictlyUpper>().setZero();
    p.array().colwise() /= saved.z.col(0).array();
  }

  // One head: state and readout, and the causal pairs inside a chunk.
  Cost cost(const HeadSize& size) const {
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    double flops = 2 * static_cast<double>(size.tq + size.tk) * key * (value + 1);
    if (size.mask.causal)
      flops += static_cast<double>(size.tq * std::min(options.chunk, size.tq)) * (key + value + 1);
    return {flops, 4 * (key * value + key)};
  }

 private:
  // x + 1 above 0, exp(x) below; the branch not taken stays at 1 or 0 and cannot overflow.
  static void apply_features(const auto& x, Mat<S> f) { f = x.array().max(S(0)) + x.array().min(S(0)).exp(); }

  // Rows of one chunk.
  Index rows(Index time, Index at) const { return std::min(options.chunk, time - at); }
  Index last_chunk(Index time) const { return (time - 1) / options.chunk * options.chunk; }

  Mat<S> features(const ConstMat<S>& x, Index at, Memory<S>& memory) const {
    const Mat<S> f = memory.temp(rows(x.rows(), at), x.cols());
    apply_features(x.middleRows(at, f.rows()), f);
    return f;
  }

  Mat<S> with_ones(const ConstMat<S>& v, Index at, Memory<S>& memory) const {
    Mat<S> v1 = memory.temp(rows(v.rows(), at), v.cols() + 1);
    v1.leftCols(v.cols()) = v.middleRows(at, v1.rows());
    v1.rightCols(1).setOnes();
    return v1;
  }

  // g1 = [d_o / z, -(d_o . o) / z]
  Mat<S> quotient_backward(const Saved& saved, const ConstMat<S>& d_o, Index at, Memory<S>& memory) const {
    const Index n = rows(d_o.rows(), at), value = d_o.cols();
    Mat<S> g1 = memory.temp(n, value + 1);
    g1.leftCols(value) = d_o.middleRows(at, n).array().colwise() / saved.z.middleRows(at, n).col(0).array();
    g1.rightCols(1) = -g1.leftCols(value).cwiseProduct(saved.o.middleRows(at, n)).rowwise().sum();
    return g1;
  }

  // a b^T with the pairs j > i set to 0: the causal part of one chunk.
  static Mat<S> lower_product(const Mat<S>& a, const Mat<S>& b, Memory<S>& memory) {
    Mat<S> p = memory.temp(a.rows(), b.rows());
    product_abt(a, b, p);
    p.template triangularView<Eigen::StrictlyUpper>().setZero();
    return p;
  }

  // What the first query chunk starts from: nothing yet when causal, else the sum over all keys. Sums are
  // made a chunk at a time: a long running sum of single terms would drift in float.
  Mat<S> state(const Head<S>& in, Memory<S>& memory) const {
    Mat<S> s1 = memory.temp(in.k.cols(), in.v.cols() + 1);
    s1.setZero();
    for (Index at = 0; !in.mask.causal && at < in.k.rows(); at += options.chunk) {
      typename Memory<S>::Scope scope(memory);
      add_product_atb(features(in.k, at, memory), with_ones(in.v, at, memory), s1);
    }
    return s1;
  }
};
}  // namespace

HEED_MIXER(linear, LinearAttention,
           "Linear attention: a feature map in place of the softmax, a state of fixed size",
           "Katharopoulos et al. 2020")
