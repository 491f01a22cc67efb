#pragma once

#include "core/views.h"

namespace heed {

// All matrix products of heed, compiled once for float and double. The bits of a row of c depend only on
// that row of a (or that column, if a is transposed) and on b, not on the other rows or on memory
// addresses. Requires: c overlaps neither a nor b.

// c = a b            a (N,K)  b (K,M)  c (N,M)
template <class S>
void product_ab(In<S> a, In<S> b, Mat<S> c);

// c = a b^T          a (N,K)  b (M,K)  c (N,M)
template <class S>
void product_abt(In<S> a, In<S> b, Mat<S> c);

// c = a^T b          a (K,N)  b (K,M)  c (N,M)
template <class S>
void product_atb(In<S> a, In<S> b, Mat<S> c);

// b = a^T            a (N,M)  b (M,N)
template <class S>
void transpose(In<S> a, Mat<S> b);

// The same products, added to c.
template <class S>
void add_product_ab(In<S> a, In<S> b, Mat<S> c);
template <class S>
void add_product_abt(In<S> a, In<S> b, Mat<S> c);
template <class S>
void add_product_atb(In<S> a, In<S> b, Mat<S> c);

}  // namespace heed
