#include "core/ops/product.h"

#include <type_traits>

#include "core/ops/bfloat16_product.h"
#include "core/ops/block_product.h"
#include "core/ops/product_count.h"
#include "core/ops/product_precision.h"

namespace heed {
namespace {

thread_local std::uint64_t counted = 0;
thread_local Precision precision = Precision::float32;

// c = or += a b or a b^T, with `depth` terms in each sum
template <bool kTransposed, class S>
void multiply(block_product::Left<S> a, In<S> b, Index depth, bool add, Mat<S> c) {
  counted += static_cast<std::uint64_t>(c.rows() * c.cols() * depth);
  if constexpr (std::is_same_v<S, float>)
    if (precision == Precision::bfloat16) return bfloat16_product::multiply<kTransposed>(a, b, depth, add, c);
  block_product::multiply<S, kTransposed>(a, b, depth, add, c);
}

template <class S>
block_product::Left<S> as_it_is(In<S> a) {
  return {a.data(), a.outerStride(), 1};
}

template <class S>
block_product::Left<S> transposed(In<S> a) {
  return {a.data(), 1, a.outerStride()};
}

}  // namespace

std::uint64_t multiply_adds() { return counted; }

Precision product_precision() { return precision; }
ProductPrecision::ProductPrecision(Precision now) : before_(precision) { precision = now; }
ProductPrecision::~ProductPrecision() { precision = before_; }

template <class S>
void product_ab(In<S> a, In<S> b, Mat<S> c) {
  multiply<false>(as_it_is<S>(a), b, b.rows(), false, c);
}

template <class S>
void product_abt(In<S> a, In<S> b, Mat<S> c) {
  multiply<true>(as_it_is<S>(a), b, b.cols(), false, c);
}

template <class S>
void product_atb(In<S> a, In<S> b, Mat<S> c) {
  multiply<false>(transposed<S>(a), b, b.rows(), false, c);
}

template <class S>
void add_product_ab(In<S> a, In<S> b, Mat<S> c) {
  multiply<false>(as_it_is<S>(a), b, b.rows(), true, c);
}

template <class S>
void add_product_abt(In<S> a, In<S> b, Mat<S> c) {
  multiply<true>(as_it_is<S>(a), b, b.cols(), true, c);
}

template <class S>
void add_product_atb(In<S> a, In<S> b, Mat<S> c) {
  multiply<false>(transposed<S>(a), b, b.rows(), true, c);
}

template <class S>
void transpose(In<S> a, Mat<S> b) {
  block_product::transpose_squares(a.data(), a.outerStride(), a.rows(), a.cols(), b.data(), b.outerStride());
}

#define HEED_PRODUCTS(S)                               \
  template void transpose(In<S>, Mat<S>);              \
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
