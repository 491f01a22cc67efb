#include "core/ops/amx_product.h"

#include "core/error.h"

// Clang 14 writes __AMXBF16__.
#if (defined(__AMX_BF16__) || defined(__AMXBF16__)) && defined(__AVX512BF16__) && defined(__linux__)
#define HEED_HAS_AMX
#endif

#ifdef HEED_HAS_AMX
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#endif

namespace heed::amx_product {

#ifdef HEED_HAS_AMX
namespace {

// A tile register: 16 rows of 16 pairs of terms, each pair two bfloat16 in the four bytes of a float. A tile
// of the left side has 16 rows of a with 32 terms, one of the right side 32 rows of b, two in each row, with
// 16 columns.
constexpr Index kRows = 16, kTerms = 32;
struct alignas(64) Tile {
  float pairs[kRows][16];
};

// Both sides are packed: kLeftRows rows of a and kRightColumns columns of b, kDepth terms of both. A left
// side that is transposed in memory is turned kGroup rows at a time.
constexpr Index kDepth = 256, kLeftRows = 512, kRightColumns = 64, kGroup = 64;
constexpr Index kTiles = kDepth / kTerms;

__mmask16 first_lanes(Index n) { return static_cast<__mmask16>((1U << std::clamp<Index>(n, 0, 16)) - 1); }

// tile = `rows` rows of n terms that are next to each other
void round_rows(const float* from, Index row, Index rows, Index n, Tile& tile) {
  const __mmask16 low = first_lanes(n), high = first_lanes(n - 16);
  for (Index i = 0; i < rows; ++i) {
    const __m512 first = _mm512_maskz_loadu_ps(low, from + i * row);
    const __m512 second = _mm512_maskz_loadu_ps(high, from + i * row + 16);
    _mm512_store_si512(tile.pairs[i], (__m512i)_mm512_cvtne2ps_pbh(second, first));
  }
  for (Index i = rows; i < kRows; ++i) _mm512_store_si512(tile.pairs[i], _mm512_setzero_si512());
}

// Rounds `columns` columns of n terms, each term of them in a row, into tiles of 16 columns. The `tiles`
// tiles of the same columns are next to each other. All columns of a row are read before the next row: the
// rows of a wide matrix are in few sets of a cache, which would lose the neighbors of a line before they are
// read.
void round_columns(const float* from, Index row, Index n, Index columns, Index tiles, Tile* tile) {
  // lane 2j: the first term of column j, lane 2j + 1: the second
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                         22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __mmask16 last = first_lanes((columns - 1) % 16 + 1);
  for (Index k = 0; k < tiles * kTerms; k += 2) {
    const __mmask16 first_there = k < n ? 0xffff : 0, second_there = k + 1 < n ? 0xffff : 0;
    const float *first = from + k * row, *second = first + row;
    Tile* to = tile + k / kTerms;
    for (Index j = 0; j < columns; j += 16, first += 16, second += 16, to += tiles) {
      const __mmask16 lanes = columns - j > 16 ? __mmask16{0xffff} : last;
      const auto rounded = (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(lanes & second_there, second),
                                                        _mm512_maskz_loadu_ps(lanes & first_there, first));
      _mm512_store_si512(to->pairs[k % kTerms / 2], _mm512_permutexvar_epi16(order, rounded));
    }
  }
}

void turn(const Tile& from, Tile& to) {
  block_product::transpose_squares(from.pairs[0], 16, 16, 16, to.pairs[0], 16);
}

// Packs `lines` rows of a or columns of b, kRows in each tile, with the tiles of a line's terms next to each
// other. Term k of line i is from[i * row + k * step]. kTurned: the terms of a line are not those of a row of
// a tile, but of one of its columns.
template <bool kTurned>
void pack(const float* from, Index row, Index step, Index lines, Index n, Tile* tile) {
  const Index tiles = (n + kTerms - 1) / kTerms;
  if (kTurned && step != 1) return round_columns(from, step, n, lines, tiles, tile);
  Tile rounded[kGroup / kRows];
  if (step == 1) {
    for (Index i = 0; i < lines; i += kRows)
      for (Index k = 0; k < n; k += kTerms, ++tile) {
        round_rows(from + i * row + k, row, std::min(kRows, lines - i), std::min(kTerms, n - k),
                   kTurned ? rounded[0] : *tile);
        if (kTurned) turn(rounded[0], *tile);
      }
    return;
  }
  for (Index t = 0; t < tiles; ++t)
    for (Index i = 0; i < lines; i += kGroup) {
      const Index k = t * kTerms, width = std::min(kGroup, lines - i);
      round_columns(from + k * step + i, step, std::min(kTerms, n - k), width, 1, rounded);
      for (Index j = 0; j < width; j += kRows) turn(rounded[j / kRows], tile[(i + j) / kRows * tiles + t]);
    }
}

// c = or += the product of one or two rows of tiles on the left and one or two on the right, each of `tiles`
// tiles. Register 0 to 3: c; 4, 5: a; 6, 7: b.
template <bool kTwoRows, bool kTwoColumns>
void multiply_tiles(const Tile* a, const Tile* b, Index tiles, bool add, float* c, Index c_row) {
  const auto bytes = static_cast<std::size_t>(c_row) * sizeof(float);
  float* const below = c + kRows * c_row;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // GCC does not know that _tile_loadd reads memory
  _tile_zero(0);
  if constexpr (kTwoColumns) _tile_zero(1);
  if constexpr (kTwoRows) _tile_zero(2);
  if constexpr (kTwoRows && kTwoColumns) _tile_zero(3);
  if (add) {
    _tile_loadd(0, c, bytes);
    if constexpr (kTwoColumns) _tile_loadd(1, c + 16, bytes);
    if constexpr (kTwoRows) _tile_loadd(2, below, bytes);
    if constexpr (kTwoRows && kTwoColumns) _tile_loadd(3, below + 16, bytes);
  }
  for (Index k = 0; k < tiles; ++k) {
    _tile_loadd(4, a + k, 64);
    _tile_loadd(6, b + k, 64);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kTwoColumns) {
      _tile_loadd(7, b + tiles + k, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kTwoRows) {
      _tile_loadd(5, a + tiles + k, 64);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kTwoRows && kTwoColumns) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, bytes);
  if constexpr (kTwoColumns) _tile_stored(1, c + 16, bytes);
  if constexpr (kTwoRows) _tile_stored(2, below, bytes);
  if constexpr (kTwoRows && kTwoColumns) _tile_stored(3, below + 16, bytes);
}

void multiply_block(const Tile* a, const Tile* b, Index tiles, bool add, Index rows, Index columns, float* c,
                    Index c_row) {
  const bool two_rows = rows > kRows, two_columns = columns > 16;
  const auto kernel = two_rows ? (two_columns ? multiply_tiles<true, true> : multiply_tiles<true, false>)
                               : (two_columns ? multiply_tiles<false, true> : multiply_tiles<false, false>);
  kernel(a, b, tiles, add, c, c_row);
}

// The same for rows and columns that do not fill their tiles, through a separate block.
void multiply_edge(const Tile* a, const Tile* b, Index tiles, bool add, Index rows, Index columns, float* c,
                   Index c_row) {
  alignas(64) float block[2 * kRows * 32];
  const __mmask16 low = first_lanes(columns), high = first_lanes(columns - 16);
  for (Index i = 0; i < 2 * kRows; ++i) {
    const bool there = add && i < rows;
    _mm512_store_ps(block + i * 32, _mm512_maskz_loadu_ps(there ? low : __mmask16{0}, c + i * c_row));
    _mm512_store_ps(block + i * 32 + 16,
                    _mm512_maskz_loadu_ps(there ? high : __mmask16{0}, c + i * c_row + 16));
  }
  multiply_block(a, b, tiles, add, rows, columns, block, 32);
  for (Index i = 0; i < rows; ++i) {
    _mm512_mask_storeu_ps(c + i * c_row, low, _mm512_load_ps(block + i * 32));
    _mm512_mask_storeu_ps(c + i * c_row + 16, high, _mm512_load_ps(block + i * 32 + 16));
  }
}

// The tile registers of the calling thread, all whole, during its lifetime.
class TileRegisters {
 public:
  TileRegisters() {
    static constexpr struct {
      std::uint8_t palette = 1, start = 0, reserved[14] = {};
      std::uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } kShapes{};
    static_assert(sizeof(kShapes) == 64);
    _tile_loadconfig(&kShapes);
  }
  ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

bool processor_has_amx() {
  constexpr unsigned kAmxBf16 = 1U << 22, kAmxTile = 1U << 24;  // leaf 7, EDX
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __builtin_cpu_supports("avx512bf16") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
         (edx & kAmxBf16) != 0 && (edx & kAmxTile) != 0;
}

// Asks the kernel for the tile registers: they make the state of a thread larger by 8 KiB. The permission is
// that of the process, for all of its threads.
bool kernel_permits_amx() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

bool available() {
  static const bool is = processor_has_amx() && kernel_permits_amx();
  return is;
}

template <bool kTransposed>
void multiply(block_product::Left<float> a, In<float> b, Index depth, bool add, Mat<float> c) {
  Tile left[kLeftRows / kRows * kTiles], right[kRightColumns / 16 * kTiles];
  if (depth == 0 && !add) c.setZero();
  const Index c_row = c.outerStride();
  const TileRegisters registers;
  for (Index i = 0; i < c.rows(); i += kLeftRows) {
    const Index rows = std::min(kLeftRows, c.rows() - i);
    for (Index k = 0; k < depth; k += kDepth) {
      const Index n = std::min(kDepth, depth - k), tiles = (n + kTerms - 1) / kTerms;
      pack<false>(a.data + i * a.row + k * a.step, a.row, a.step, rows, n, left);
      for (Index j = 0; j < c.cols(); j += kRightColumns) {
        const Index width = std::min(kRightColumns, c.cols() - j), b_row = b.outerStride();
        const float* const at = b.data() + (kTransposed ? j * b_row + k : k * b_row + j);
        pack<true>(at, kTransposed ? b_row : 1, kTransposed ? 1 : b_row, width, n, right);
        for (Index r = 0; r < rows; r += 2 * kRows)
          for (Index s = 0; s < width; s += 32) {
            const Index height = std::min(2 * kRows, rows - r), columns = std::min<Index>(32, width - s);
            const bool whole = height % kRows == 0 && columns % 16 == 0;
            const auto kernel = whole ? multiply_block : multiply_edge;
            kernel(left + r / kRows * tiles, right + s / 16 * tiles, tiles, add || k > 0, height, columns,
                   c.data() + (i + r) * c_row + j + s, c_row);
          }
      }
    }
  }
}

#else

bool available() { return false; }

template <bool kTransposed>  // NOLINTNEXTLINE(performance-unnecessary-value-param): as the other one
void multiply(block_product::Left<float>, In<float>, Index, bool, Mat<float>) {
  HEED_CHECK(false, "heed is compiled without AMX");
}

#endif

template void multiply<false>(block_product::Left<float>, In<float>, Index, bool, Mat<float>);
template void multiply<true>(block_product::Left<float>, In<float>, Index, bool, Mat<float>);

}  // namespace heed::amx_product
