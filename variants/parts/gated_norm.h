#pragma once

#include "core/ops/activation.h"
#include "core/step.h"
#include "variants/parts/row_norms.h"

namespace heed {

// n = rms(u * silu(z)) * gain, over whole rows: the gate comes before the norm.    u, z, n (T,D)  gain (1,D)
template <class S>
void gated_rms_rows(In<S> u, In<S> z, In<S> gain, double eps, Mat<S> n, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  Mat<S> m = memory.temp(1, z.cols());
  for (Index t = 0; t < u.rows(); ++t) {
    activate<S>(Activation::silu, row_block<S>(z, t, 1), m);
    m.row(0).array() *= u.row(t).array();
    rms_rows<S>(m, gain, eps, row_block(n, t, 1));
  }
}

// With m = u * silu(z) and dm from the norm:    du = dm silu(z)    dz += dm u silu'(z)
// dn becomes du.
template <class S>
void gated_rms_rows_backward(In<S> u, In<S> z, In<S> gain, double eps, Mat<S> dn, Mat<S> dz, Mat<S> dgain,
                             Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const auto room = [&] { return memory.temp(1, z.cols()); };
  Mat<S> slope = room(), gate = room(), m = room(), dm = room();
  for (Index t = 0; t < dn.rows(); ++t) {
    slope.row(0) = z.row(t);
    activate_with_slope<S>(Activation::silu, slope, gate);
    m.row(0).array() = gate.row(0).array() * u.row(t).array();
    dm.setZero();
    rms_rows_backward<S>(m, gain, eps, row_block(dn, t, 1), dm, dgain);
    dz.row(t).array() += dm.row(0).array() * u.row(t).array() * slope.row(0).array();
    dn.row(t).array() = dm.row(0).array() * gate.row(0).array();
  }
}

}  // namespace heed
