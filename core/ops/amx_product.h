#pragma once

#include "core/ops/block_product.h"
#include "core/views.h"

namespace heed::amx_product {

// Returns true if heed is compiled for AMX, the processor has it, and the kernel lets this process use it
// (Linux 5.16; valgrind hides it).
bool available();

// c = a b, or c += a b, of operands rounded to bfloat16 (core/ops/bfloat16.h) and with sums in float32. For
// kTransposed, b^T instead of b. Requires: available().
//
// Each number of c starts at 0, or as it is, and adds 32 terms at a time: the even ones and the odd ones,
// each from 0 by fused multiply-adds that round to nearest even,
//
//     even = fma(a_30, b_30, ... fma(a_2, b_2, fma(a_0, b_0, 0)))
//     odd  = fma(a_31, b_31, ... fma(a_3, b_3, fma(a_1, b_1, 0)))      c = c + (even + odd)
//
// Missing terms are zeros, denormal numbers count as zero. This is the arithmetic of TDPBF16PS (Intel's
// manual, volume 2). So the bits of a row of c depend only on that row of a and on b.
template <bool kTransposed>
void multiply(block_product::Left<float> a, In<float> b, Index depth, bool add, Mat<float> c);

}  // namespace heed::amx_product
