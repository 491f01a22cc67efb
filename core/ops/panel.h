#pragma once

#include <Eigen/Core>
#include <algorithm>

#include "core/views.h"

namespace heed::block_product {

// The right side of a product is multiplied in panels of kDepth terms and
// kWidth columns, packed or in place. Only this file and block_product.h use
// Eigen's packets, an internal interface of Eigen.

template <class S>
using Packet = typename Eigen::internal::packet_traits<S>::type;
template <class S>
constexpr int kPacketSize = Eigen::internal::unpacket_traits<Packet<S>>::size;

// 32 registers hold blocks of 6 rows and 4 packets, 16 registers blocks of 6
// and 2.
constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;
constexpr int kPackets = kRegisters >= 32 ? 4 : 2;

// A panel of b is 64 KiB, a part of the second-level cache. Its rows are four
// cache lines on every processor: with 16 registers several blocks wide, so
// that b, c and the rows of a are read in longer pieces.
constexpr Index kDepth = 256;
template <class S>
constexpr Index kWidth = 256 / sizeof(S);

// panel (depth, kWidth) = the part (depth, width) of b from (k, j) on, and
// zeros up to a whole packet
template <class S>
void pack(In<S> b, Index k, Index j, Index depth, Index width, S* panel) {
  using namespace Eigen::internal;
  for (Index i = 0; i < depth; ++i) {
    const S* const from = b.data() + (k + i) * b.outerStride() + j;
    S* const to = panel + i * kWidth<S>;
    Index c = 0;
    for (; c + kPacketSize<S> <= width; c += kPacketSize<S>) pstoreu(to + c, ploadu<Packet<S>>(from + c));
    for (; c < width; ++c) to[c] = from[c];
    for (; c % kPacketSize<S> != 0; ++c) to[c] = S(0);
  }
}

// to (cols, rows) = from^T, from (rows, cols): transposed in registers, square
// by square
template <class S>
void transpose_squares(const S* from, Index from_row, Index rows, Index cols, S* to, Index to_row) {
  using namespace Eigen::internal;
  constexpr Index n = kPacketSize<S>;
  for (Index r = 0; r < rows; r += n)
    for (Index c = 0; c < cols; c += n) {
      const S* const source = from + r * from_row + c;
      S* const target = to + c * to_row + r;
      const Index height = std::min(n, rows - r), width = std::min(n, cols - c);
      if (height == n && width == n) {
        PacketBlock<Packet<S>, static_cast<int>(n)> square;
        for (Index i = 0; i < n; ++i) square.packet[i] = ploadu<Packet<S>>(source + i * from_row);
        if constexpr (n > 1) ptranspose(square);
        for (Index i = 0; i < n; ++i) pstoreu(target + i * to_row, square.packet[i]);
      } else {
        for (Index i = 0; i < width; ++i)
          for (Index j = 0; j < height; ++j) target[i * to_row + j] = source[j * from_row + i];
      }
    }
}

// The same for b^T: the part (width, depth) of b from (j, k) on.
template <class S>
void pack_transposed(In<S> b, Index k, Index j, Index depth, Index width, S* panel) {
  transpose_squares(b.data() + j * b.outerStride() + k, b.outerStride(), width, depth, panel, kWidth<S>);
  const Index zeros = -width & (kPacketSize<S> - 1);
  for (Index i = 0; zeros > 0 && i < depth; ++i) std::fill_n(panel + i * kWidth<S> + width, zeros, S(0));
}

// Returns true if the right side can be used in place: whole packets, and rows
// that are close enough to each other for the cache or are read by few blocks.
// Blocks of 16 registers read a row of b more often, and rows that are 2 KiB
// apart share few sets of the first-level cache.
template <class S>
bool is_panel(In<S> b, Index width, Index rows) {
  constexpr Index near = (kRegisters >= 32 ? 4096 : 1024) / sizeof(S), few = 2 * kPackets * kPacketSize<S>;
  return width % kPacketSize<S> == 0 && (b.outerStride() <= near || rows < few);
}

// A panel that is multiplied later.
template <class T>
struct Ahead {
  const T* data;
  Index row, rows, cols;

  // Reads the i-th of `parts` parts into the second-level cache.
  void read(Index i, Index parts) const {
    constexpr Index line = 64 / sizeof(T);
    for (Index r = rows * i / parts; r < rows * (i + 1) / parts; ++r)
      for (Index c = 0; c < cols; c += line) __builtin_prefetch(data + r * row + c, 0, 2);
  }
};

// Returns the panel of b after that from (k, j) on: the next one with the same
// k, or the first one of the next kDepth terms. Without rows if there is none.
template <class S>
Ahead<S> panel_after(In<S> b, Index k, Index j) {
  j += kWidth<S>;
  if (j >= b.cols()) j = 0, k += kDepth;
  const Index row = b.outerStride(), rows = std::clamp<Index>(b.rows() - k, 0, kDepth);
  return {b.data() + (rows > 0 ? k * row + j : 0), row, rows, std::min(kWidth<S>, b.cols() - j)};
}

}  // namespace heed::block_product
