#pragma once

#include "core/ops/block_product.h"
#include "core/views.h"

namespace heed::bfloat16_product {

// c = a b, or c += a b, of operands rounded to bfloat16 (core/ops/bfloat16.h) and with sums in float32. For
// kTransposed, b^T instead of b. By multiply in amx_product.h where AMX is available, otherwise by
// multiply_pairs. The two add in another order, and differ by at most depth 2^-23 (|c| + sum_k |a_k b_k|),
// with c as it was before, or 0 without `add`, if no sum is denormal or above the range of float32. The bits
// of a row of c depend only on that row of a and on b.
template <bool kTransposed>
void multiply(block_product::Left<float> a, In<float> b, Index depth, bool add, Mat<float> c);

// The same without AMX. Each number of c is a sum of chains of kDepth terms. A chain starts at 0 and adds
// pairs of terms, the second one first, each by a fused multiply-add that rounds to nearest even:
//
//     s = fma(a_1, b_1, 0)   s = fma(a_0, b_0, s)   s = fma(a_3, b_3, s)   s = fma(a_2, b_2, s)   ...
//
// A chain of an odd number of terms ends with the pair of its last term and zeros. Denormal numbers count as
// zero, as operands, sums and results. This is the order and the arithmetic of VDPBF16PS (Intel's manual,
// volume 2), which is used where the processor has it and heed is compiled for it or for x86-64-v4. The order
// of k is that of block_product.h.
constexpr Index kDepth = 256;
template <bool kTransposed>
void multiply_pairs(block_product::Left<float> a, In<float> b, Index depth, bool add, Mat<float> c);

// The same bits by multiply-adds of rounded floats, on x86 processors that have fused ones (AVX2). Elsewhere
// a result differs by what denormal numbers contribute, at most 2^-126 for each term, and if a product of two
// operands is above the range of float32.
template <bool kTransposed>
void multiply_portably(block_product::Left<float> a, In<float> b, Index depth, bool add, Mat<float> c);

}  // namespace heed::bfloat16_product
