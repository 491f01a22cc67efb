#include "core/ops/product.h"

namespace heed {

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

template <class S>
void add_product_ab(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() += a * b;
}

template <class S>
void add_product_abt(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() += a * b.transpose();
}

template <class S>
void add_product_atb(In<S> a, In<S> b, Mat<S> c) {
  c.noalias() += a.transpose() * b;
}

#define HEED_PRODUCTS(S)                               \
  template void product_ab(In<S>, In<S>, Mat<S>);      \
  template void product_abt(In<S>, In<S>, Mat<S>);     \
  template void product_atb(In<S>, In<S>, Mat<S>);     \
  template void add_product_ab(In<S>, In<S>, Mat<S>);  \
  template void add_product_abt(In<S>, In<S>, Mat<S>); \
  template void add_product_atb(In<S>, In<S>, Mat<S>)
HEED_PRODUCTS(float);
HEED_PRODUCTS(double);
#undef HEED_PRODUCTS

}  // namespace heed
