// The reference implementation: softmax attention by its definition. Passes every check; the broken
// variants of this folder are it with one thing made wrong.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/mixer.h"
#include "core/ops/product.h"

namespace heed::broken {

template <class S>
struct Naive {
  struct Saved {
    Mat<S> p;  // (Tq, Tk) attention weights
  };

  static S scale(const Head<S>& in) { return S(1 / std::sqrt(static_cast<double>(in.q.cols()))); }

  // Row i of s becomes the weights of query i; hidden pairs and rows without any key are zero.
  static void softmax(const Head<S>& in, Mat<S> s) {
    for (Index i = 0; i < s.rows(); ++i) {
      const Index seen = in.mask.causal ? std::clamp(i + in.mask.offset + 1, Index(0), s.cols()) : s.cols();
      s.row(i).tail(s.cols() - seen).setZero();
      if (seen == 0) continue;
      for (Index j = 0; j < seen; ++j) s(i, j) -= in.slope * S(std::abs(i + in.mask.offset - j));
      const S largest = s.row(i).head(seen).maxCoeff();
      s.row(i).head(seen) = (s.row(i).head(seen).array() - largest).exp();
      s.row(i) /= s.row(i).head(seen).sum();
    }
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    product_abt(in.q, in.k, p);
    p *= scale(in);
    softmax(in, p);
    product_ab(p, in.v, o);
    return {p};
  }

  // ds = p o (dp - sum_j p dp)
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Mat<S>& p = saved.p;
    Mat<S> ds = memory.temp(p.rows(), p.cols());
    product_abt(d_o, in.v, ds);
    for (Index i = 0; i < p.rows(); ++i)
      ds.row(i) = p.row(i).cwiseProduct((ds.row(i).array() - p.row(i).dot(ds.row(i))).matrix());
    add_product_atb(p, d_o, grad.v);
    ds *= scale(in);
    add_product_ab(ds, in.k, grad.q);
    add_product_atb(ds, in.q, grad.k);
  }

  void weights(const Head<S>&, const Saved& saved, Mat<S> p, Memory<S>&) const { p = saved.p; }
};

}  // namespace heed::broken
