#pragma once

#include <cmath>

#include "core/mixer.h"
#include "core/ops/softmax.h"

namespace heed {

// Softmax attention by its definition, scores written out: a whole variant in as few lines as it takes, for
// tests of what stands around a variant.
template <class S>
struct NaiveMixer {
  struct Saved {
    Mat<S> p;  // (Tq, Tk) attention weights
  };

  static S scale(const Head<S>& in) { return S(1 / std::sqrt(static_cast<double>(in.q.cols()))); }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    p.noalias() = scale(in) * in.q * in.k.transpose();
    softmax_rows(p, in.mask, in.slope);
    o.noalias() = p * in.v;
    return {p};
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> ds = memory.temp(saved.p.rows(), saved.p.cols());
    ds.noalias() = d_o * in.v.transpose();
    softmax_rows_backward<S>(saved.p, ds);
    grad.v.noalias() += saved.p.transpose() * d_o;
    grad.q.noalias() += scale(in) * ds * in.k;
    grad.k.noalias() += scale(in) * ds.transpose() * in.q;
  }

  void weights(const Head<S>&, const Saved& saved, Mat<S> p, Memory<S>&) const { p = saved.p; }
};

}  // namespace heed
