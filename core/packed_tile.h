#pragma once

#include "core/step.h"
#include "core/views.h"

namespace heed {

// Tiles are packed: a tile and each of its rows start on a cache line. So no sum depends on the memory
// address of a head, and inner loops have no unaligned start.

template <class S>
Index packed_stride(Index cols) {
  constexpr Index line = kAlignment / sizeof(S);
  return (cols + line - 1) / line * line;
}

// Returns temp memory for a tile of up to (rows, cols).
template <class S>
Mat<S> tile_room(Memory<S>& memory, Index rows, Index cols) {
  const Index stride = packed_stride<S>(cols);
  return {memory.temp(rows, stride).data(), rows, cols, Eigen::OuterStride<>(stride)};
}

// The same in keep memory.
template <class S>
Mat<S> kept_room(Memory<S>& memory, Index rows, Index cols) {
  const Index stride = packed_stride<S>(cols);
  return {memory.keep(rows, stride).data(), rows, cols, Eigen::OuterStride<>(stride)};
}

template <class S>
Mat<S> zeros(Memory<S>& memory, Index rows, Index cols) {
  Mat<S> room = tile_room(memory, rows, cols);
  room.setZero();
  return room;
}

// Returns the first (rows, cols) of a buffer.
template <class S>
Mat<S> part(Mat<S> room, Index rows, Index cols) {
  return {room.data(), rows, cols, Eigen::OuterStride<>(room.outerStride())};
}

// One row of a packed tile, or a vector that starts on a cache line.
template <class S>
using TileRow = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>, Eigen::Aligned64>;

template <class S>
TileRow<S> row(Mat<S> tile, Index r) {
  return {tile.data() + r * tile.outerStride(), tile.cols()};
}

// All of a tile, with the ends of its rows.
template <class S>
TileRow<S> whole(Mat<S> tile) {
  return {tile.data(), tile.rows() * tile.outerStride()};
}

// Copies rows into a tile.
template <class S>
void copy_rows(In<S> from, Mat<S> to) {
  for (Index r = 0; r < to.rows(); ++r) row(to, r) = from.row(r).array();
}

// Adds the rows of a tile.
template <class S>
void add_rows(Mat<S> from, Mat<S> to) {
  for (Index r = 0; r < to.rows(); ++r) to.row(r).array() += row(from, r);
}

}  // namespace heed
