#pragma once

#include "core/views.h"

namespace heed::plain {

// Reference implementation: the products of core/ops/product.h by Eigen. Tests compare the fast ones with
// it.

template <class S>
void product_ab(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() = a * b;
}

template <class S>
void product_abt(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() = a * b.transpose();
}

template <class S>
void product_atb(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() = a.transpose() * b;
}

}  // namespace heed::plain
