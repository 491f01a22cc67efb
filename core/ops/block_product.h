#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "core/ops/panel.h"
#include "core/views.h"

namespace heed {

// c = a b, or c += a b, in register blocks: a block of c stays in registers
// while numbers of a are broadcast and multiplied with rows of b, one SIMD
// packet at a time (Goto & van de Geijn 2008; only the panel of b is packed).
//
// Each number of c is one chain of multiply-adds in the order of k, split every
// kDepth terms. So the bits of a row of c depend only on that row of a and on
// b, not on the number of other rows or on memory addresses. Eigen's product
// guarantees neither, and packs both operands at every call, which is slow for
// small products. plain_product.h is the reference implementation.
namespace block_product {

// What the kernel multiplies, T: numbers of the type of the sums.
// bfloat16_product.cpp has another T of the same size, a pair of numbers.
template <class T>
struct Operand {
  using Sum = T;
  static Packet<T> load(const T* from) { return Eigen::internal::ploadu<Packet<T>>(from); }
  static Packet<T> broadcast(const T& x) { return Eigen::internal::pset1<Packet<T>>(x); }
  static Packet<T> multiply_add(const Packet<T>& a, const Packet<T>& b, const Packet<T>& sum) {
    return Eigen::internal::pmadd(a, b, sum);
  }
};
template <class T>
using Sum = typename Operand<T>::Sum;
template <class T>
constexpr int kLanes = kPacketSize<Sum<T>>;

// The rows of a block: as many as the registers hold.
constexpr int rows_beside(int packets) { return std::min(12, (kRegisters - packets - 2) / packets); }

// The left side: a(i, k) = data[i * row + k * step].
template <class T>
struct Left {
  const T* data;
  Index row, step;
};

// The right side of a panel: b(k, j) = data[k * row + j].
template <class T>
struct Right {
  const T* data;
  Index row;
};

// c = a b, or c += a b. The functions that take it receive the numbers of rows
// and columns. Pass it by reference: copying a struct that was just written
// stalls.
template <class T>
struct Product {
  Left<T> a;
  Right<T> b;
  Index depth;
  Sum<T>* c;
  Index c_row;
  bool add;
  bool far = false;                // c is too large for the first-level cache
  const Ahead<T>* next = nullptr;  // what to read ahead
};

// Multiplies R rows and P packets. The loops are unrolled by pragma; otherwise
// the array of sums would be in memory, not in registers.
template <class T, int R, int P>
void multiply_block(const Product<T>& x) {
  using namespace Eigen::internal;
  using Sums = Packet<Sum<T>>;
  Sums sum[R * P];
#pragma GCC unroll 32
  for (int i = 0; i < R * P; ++i) sum[i] = pset1<Sums>(Sum<T>(0));
  const Left<T> a = x.a;
  const Right<T> b = x.b;
  for (Index k = 0; k < x.depth; ++k) {
    decltype(Operand<T>::load(b.data)) right[P];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) right[p] = Operand<T>::load(b.data + k * b.row + p * kLanes<T>);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const auto left = Operand<T>::broadcast(a.data[r * a.row + k * a.step]);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) sum[r * P + p] = Operand<T>::multiply_add(left, right[p], sum[r * P + p]);
    }
  }
  Sum<T>* const c = x.c;
  const Index c_row = x.c_row;
  if (x.add) {
#pragma GCC unroll 32
    for (int i = 0; i < R * P; ++i)
      sum[i] = padd(ploadu<Sums>(c + i / P * c_row + i % P * kLanes<T>), sum[i]);
  }
#pragma GCC unroll 32
  for (int i = 0; i < R * P; ++i) pstoreu(c + i / P * c_row + i % P * kLanes<T>, sum[i]);
}

template <class T>
using MultiplyBlock = void (*)(const Product<T>&);

template <class T, int P, std::size_t... R>
constexpr auto block_table(std::index_sequence<R...>) {
  return std::array<MultiplyBlock<T>, sizeof...(R)>{&multiply_block<T, static_cast<int>(R) + 1, P>...};
}

// Multiplies `groups` times P packets, in blocks of rows of nearly equal size.
template <class T, int P>
void multiply_rows(const Product<T>& x, Index rows, Index groups) {
  static constexpr auto blocks = block_table<T, P>(std::make_index_sequence<rows_beside(P)>());
  const Index count = (rows + rows_beside(P) - 1) / rows_beside(P);
  Product<T> block = x;
  Sum<T>* c = x.c;
  for (Index i = 0; i < count; ++i) {
    const Index n = rows / count + (i < rows % count);
    block.b.data = x.b.data;
    block.c = c;
    if (x.next) x.next->read(i, count);
    for (Index g = 0; g < groups; ++g) {
      for (Index r = 0; x.far && r < n; ++r)
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) __builtin_prefetch(block.c + r * x.c_row + p * kLanes<T>, 1);
      blocks[static_cast<std::size_t>(n - 1)](block);
      block.b.data += P * kLanes<T>;
      block.c += P * kLanes<T>;
    }
    block.a.data += n * x.a.row;
    c += n * x.c_row;
  }
}

// Multiplies P packets, or fewer.
template <class T, int P>
void multiply_packets(const Product<T>& x, Index rows, Index packets) {
  if constexpr (P > 1)
    if (packets < P) return multiply_packets<T, P - 1>(x, rows, packets);
  multiply_rows<T, P>(x, rows, 1);
}

template <class T>
void multiply_panel(Product<T> x, Index rows, Index packets) {
  const Index groups = packets / kPackets, columns = groups * kPackets * kLanes<T>;
  if (groups > 0) multiply_rows<T, kPackets>(x, rows, groups);
  x.b.data += columns;
  x.c += columns;
  x.next = nullptr;
  if (packets % kPackets > 0) multiply_packets<T, kPackets>(x, rows, packets % kPackets);
}

// Multiplies fewer columns than a packet has, a few rows at a time, through a
// separate block.
template <class T>
void multiply_edge(const Product<T>& x, Index rows, Index cols) {
  alignas(64) Sum<T> block[rows_beside(1) * kLanes<T>];
  for (Index from = 0; from < rows; from += rows_beside(1)) {
    const Index n = std::min<Index>(rows_beside(1), rows - from);
    const Left<T> a{x.a.data + from * x.a.row, x.a.row, x.a.step};
    multiply_rows<T, 1>({a, x.b, x.depth, block, kLanes<T>, false}, n, 1);
    for (Index r = 0; r < n; ++r) {
      Sum<T>* const to = x.c + (from + r) * x.c_row;
      for (Index i = 0; i < cols; ++i) to[i] = (x.add ? to[i] : Sum<T>(0)) + block[r * kLanes<T> + i];
    }
  }
}

// A transposed left side is packed, kLeftRows rows at a time, if enough panels
// use it: columns of a wide matrix share few sets of a cache, so their numbers
// would be read again from the next one for each panel.
constexpr Index kLeftRows = 128, kLeftRow = kDepth + 16, kLeftPanels = 4;

// The processor reads ahead what is in order, but the rows of a panel and of c
// are apart. With kAheadRows rows there is time to read the next panel while
// one is multiplied. A result of kFar numbers, 128 KiB, is read before it is
// added to.
constexpr Index kAheadRows = 64;
template <class S>
constexpr Index kFar = (Index{1} << 17) / sizeof(S);

// c (rows, cols) = or += a (rows, depth) times b (depth, cols), or b^T with b
// (cols, depth)
template <class S, bool kTransposed>
void multiply(Left<S> a, In<S> b, Index depth, bool add, Mat<S> c) {
  alignas(64) S packed[kDepth * kWidth<S>], left[kLeftRows * kLeftRow];
  if (depth == 0 && !add) c.setZero();
  const bool packs_left = a.step != 1 && c.cols() >= kLeftPanels * kWidth<S>;
  const Index height = packs_left ? kLeftRows : c.rows();
  const bool far = c.rows() * c.cols() >= kFar<S>;
  for (Index i = 0; i < c.rows(); i += height) {
    const Index rows = std::min(height, c.rows() - i);
    for (Index k = 0; k < depth; k += kDepth) {
      const Index n = std::min(kDepth, depth - k);
      Left<S> side{a.data + i * a.row + k * a.step, a.row, a.step};
      if (packs_left) {
        transpose_squares(side.data, a.step, n, rows, left, kLeftRow);
        side = {left, kLeftRow, 1};
      }
      for (Index j = 0; j < c.cols(); j += kWidth<S>) {
        const Index width = std::min(kWidth<S>, c.cols() - j);
        const Index whole = width / kLanes<S>, columns = whole * kLanes<S>;
        Product<S> x{side,        {packed, kWidth<S>}, n, c.data() + i * c.outerStride() + j, c.outerStride(),
                     add || k > 0};
        x.far = far;
        const Ahead<S> next = panel_after<S>(b, k, j);
        if (!kTransposed && rows >= kAheadRows) x.next = &next;
        if constexpr (kTransposed) {
          pack_transposed<S>(b, k, j, n, width, packed);
        } else if (is_panel<S>(b, width, c.rows())) {
          x.b = {b.data() + k * b.outerStride() + j, b.outerStride()};
        } else {
          pack<S>(b, k, j, n, width, packed);
        }
        if (whole > 0) multiply_panel<S>(x, rows, whole);
        x.b.data += columns;
        x.c += columns;
        if (columns < width) multiply_edge<S>(x, rows, width - columns);
      }
    }
  }
}

}  // namespace block_product
}  // namespace heed
