#include "core/ops/bfloat16_product.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "core/ops/amx_product.h"
#include "core/ops/bfloat16.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace heed {

#ifdef __AVX512BF16__
namespace bfloat16_product {
// Two terms of a sum, as bfloat16.
struct Pair {
  std::uint16_t first, second;
};
}  // namespace bfloat16_product

template <>
struct block_product::Operand<bfloat16_product::Pair> {
  using Pair = bfloat16_product::Pair;
  using Sum = float;
  static __m512bh load(const Pair* from) { return (__m512bh)_mm512_loadu_si512(from); }
  static __m512bh broadcast(const Pair& x) { return (__m512bh)_mm512_set1_epi32(std::bit_cast<int>(x)); }
  static __m512 multiply_add(__m512bh a, __m512bh b, __m512 sum) { return _mm512_dpbf16_ps(sum, a, b); }
};
#endif

namespace bfloat16_product {
namespace {

using block_product::kLanes;
using block_product::kWidth;
using block_product::Left;
using block_product::Product;

// Both sides are packed: kRows rows of a, a block of kDepth terms, kWidth columns of b. T is Pair, or float:
// then the rounded terms of a pair follow each other, the second one first.
constexpr Index kRows = 128;
template <class T>
constexpr Index kTerms = std::is_same_v<T, float> ? 1 : 2;
template <class T>
constexpr Index kBlock = kDepth / kTerms<T>;
template <class T>
constexpr Index kRow = kBlock<T> + 16;  // rows that are a power of two apart share few sets of a cache

// to = n terms that are next to each other
void pack_terms(const float* from, Index n, float* to) {
  Index k = 0;
  for (; k + 1 < n; k += 2) {
    to[k] = rounded_to_bfloat16(from[k + 1]);
    to[k + 1] = rounded_to_bfloat16(from[k]);
  }
  if (k < n) to[k] = 0, to[k + 1] = rounded_to_bfloat16(from[k]);
}

// to = one pair of terms of n columns. second: null for zeros. row: of `to`
void pack_pairs(const float* first, const float* second, Index n, float* to, Index row) {
  for (Index j = 0; j < n; ++j) to[j] = second ? rounded_to_bfloat16(second[j]) : 0.0F;
  for (Index j = 0; j < n; ++j) to[row + j] = rounded_to_bfloat16(first[j]);
}

#ifdef __AVX512BF16__
__mmask16 first_lanes(Index n) { return static_cast<__mmask16>((1U << std::clamp<Index>(n, 0, 16)) - 1); }

void pack_terms(const float* from, Index n, Pair* to) {
  Index k = 0;
  for (; k + 32 <= n; k += 32)
    _mm512_storeu_si512(
        to + k / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + k + 16), _mm512_loadu_ps(from + k)));
  if (k == n) return;
  const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n - k), from + k);
  const __m512 high = _mm512_maskz_loadu_ps(first_lanes(n - k - 16), from + k + 16);
  _mm512_mask_storeu_epi32(to + k / 2, first_lanes((n - k + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

void pack_pairs(const float* first, const float* second, Index n, Pair* to, Index) {
  // lane 2j: first[j], lane 2j + 1: second[j]
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                         22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (Index j = 0; j < n; j += 16) {
    const __mmask16 lanes = first_lanes(n - j);
    const __m512 low = _mm512_maskz_loadu_ps(lanes, first + j);
    const __m512 high = second ? _mm512_maskz_loadu_ps(lanes, second + j) : _mm512_setzero_ps();
    const auto rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_mask_storeu_epi32(to + j, lanes, _mm512_permutexvar_epi16(order, rounded));
  }
}
#endif

// to = `rows` rows of n terms that are next to each other, one row of `to` for each
template <class T>
void pack_rows(const float* from, Index row, Index rows, Index n, T* to) {
  for (Index i = 0; i < rows; ++i) pack_terms(from + i * row, n, to + i * kRow<T>);
}

// to = n terms of `columns` columns, one row of `to` for each T
template <class T>
void pack_columns(const float* from, Index row, Index n, Index columns, T* to, Index to_row) {
  for (Index k = 0; k < n; k += 2) {
    const float* const first = from + k * row;
    pack_pairs(first, k + 1 < n ? first + row : nullptr, columns, to + k / kTerms<T> * to_row, to_row);
  }
}

// Makes the calling thread count denormal numbers as zero, as VDPBF16PS does, until the end of its lifetime.
class FlushDenormals {
#ifdef __SSE2__
 public:
  FlushDenormals() : before_(_mm_getcsr()) {
    _mm_setcsr(before_ | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler moves no arithmetic across
  }
  ~FlushDenormals() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    _mm_setcsr(before_);
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_;
#endif
};

// Returns a block of a, packed.
template <class T>
Left<T> pack_left(const Left<float>& a, Index rows, Index n, T* to) {
  if (a.step == 1) {
    pack_rows(a.data, a.row, rows, n, to);
    return {to, kRow<T>, 1};
  }
  pack_columns(a.data, a.step, n, rows, to, kRows);
  return {to, 1, kRows};
}

// to = the block of b or b^T from (k, j) on, and zeros up to a whole packet
template <class T, bool kTransposed>
void pack_right(const In<float>& b, Index k, Index j, Index n, Index width, T* to) {
  if constexpr (kTransposed) {
    alignas(64) float turned[kDepth * kWidth<float>];
    block_product::transpose_squares(b.data() + j * b.outerStride() + k, b.outerStride(), width, n, turned,
                                     kWidth<float>);
    pack_columns(turned, kWidth<float>, n, width, to, kWidth<T>);
  } else {
    pack_columns(b.data() + k * b.outerStride() + j, b.outerStride(), n, width, to, kWidth<T>);
  }
  const Index zeros = -width & (kLanes<T> - 1), units = (n + 1) / 2 * 2 / kTerms<T>;
  for (Index u = 0; zeros > 0 && u < units; ++u) std::fill_n(to + u * kWidth<T> + width, zeros, T{});
}

template <class T, bool kTransposed>
void multiply_as(Left<float> a, In<float> b, Index depth, bool add, Mat<float> c) {
  alignas(64) T left[kRows * kRow<T>], right[kBlock<T> * kWidth<T>];
  [[maybe_unused]] const FlushDenormals flush;
  if (depth == 0 && !add) c.setZero();
  for (Index i = 0; i < c.rows(); i += kRows) {
    const Index rows = std::min(kRows, c.rows() - i);
    for (Index k = 0; k < depth; k += kDepth) {
      const Index n = std::min(kDepth, depth - k), units = (n + 1) / 2 * 2 / kTerms<T>;
      const Left<T> packed = pack_left<T>({a.data + i * a.row + k * a.step, a.row, a.step}, rows, n, left);
      for (Index j = 0; j < c.cols(); j += kWidth<T>) {
        const Index width = std::min(kWidth<T>, c.cols() - j), whole = width / kLanes<T>;
        pack_right<T, kTransposed>(b, k, j, n, width, right);
        Product<T> x{packed,          {right, kWidth<T>}, units, c.data() + i * c.outerStride() + j,
                     c.outerStride(), add || k > 0};
        if (whole > 0) block_product::multiply_panel<T>(x, rows, whole);
        x.b.data += whole * kLanes<T>;
        x.c += whole * kLanes<T>;
        if (width % kLanes < T >> 0) block_product::multiply_edge<T>(x, rows, width % kLanes<T>);
      }
    }
  }
}

}  // namespace

template <bool kTransposed>
void multiply(Left<float> a, In<float> b, Index depth, bool add, Mat<float> c) {
  if (amx_product::available()) return amx_product::multiply<kTransposed>(a, b, depth, add, c);
  multiply_pairs<kTransposed>(a, b, depth, add, c);
}

template <bool kTransposed>
void multiply_pairs(Left<float> a, In<float> b, Index depth, bool add, Mat<float> c) {
#ifdef __AVX512BF16__
  if (__builtin_cpu_supports("avx512bf16")) return multiply_as<Pair, kTransposed>(a, b, depth, add, c);
#endif
  multiply_as<float, kTransposed>(a, b, depth, add, c);
}

template <bool kTransposed>
void multiply_portably(Left<float> a, In<float> b, Index depth, bool add, Mat<float> c) {
  multiply_as<float, kTransposed>(a, b, depth, add, c);
}

template void multiply<false>(Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply<true>(Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply_pairs<false>(Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply_pairs<true>(Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply_portably<false>(Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply_portably<true>(Left<float>, In<float>, Index, bool, Mat<float>);

}  // namespace bfloat16_product
}  // namespace heed
