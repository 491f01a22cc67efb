#pragma once

#include <cmath>

#include "core/mixer.h"
#include "core/ops/product.h"
#include "core/ops/softmax.h"

namespace heed {

// Softmax attention by its definition, scores written out: a whole variant in as few lines as it takes, for
// tests of the code around a variant.
template <class S>
struct NaiveMixer {
  struct Saved {
    Mat<S> p;  // (Tq, Tk) attention weights
  };

  static S scale(const Head<S>& in) { return S(1 / std::sqrt(static_cast<double>(in.q.cols()))); }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    product_abt(in.q, in.k, p);
    p *= scale(in);
    softmax_rows(p, in.mask, in.slope);
    product_ab(p, in.v, o);
    return {p};
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> ds = memory.temp(saved.p.rows(), saved.p.cols());
    product_abt(d_o, in.v, ds);
    softmax_rows_backward<S>(saved.p, ds);
    add_product_atb(saved.p, d_o, grad.v);
    ds *= scale(in);
    add_product_ab(ds, in.k, grad.q);
    add_product_atb(ds, in.q, grad.k);
  }

  void weights(const Head<S>&, const Saved& saved, Mat<S> p, Memory<S>&) const { p = saved.p; }
};

}  // namespace heed
