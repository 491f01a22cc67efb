#pragma once

#include <algorithm>
#include <span>

#include "core/ops/product.h"
#include "core/step.h"
#include "core/views.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/tiles.h"

namespace heed {

// The keys of a head, or its values, one tile at a time. Contiguous rows are used in place; scattered rows
// are copied.
template <class S>
class TileRows {
 public:
  TileRows(In<S> all, Index most, Memory<S>& memory)
      : all_(all), room_(tile_room(memory, most, all.cols())) {}

  void choose(const Rows& rows) {
    chosen_ = rows;
    if (rows.at) gather<S>(all_, rows, part(room_, rows.size, all_.cols()));
  }

  // (size, width): the chosen rows
  ConstMat<S> rows() const {
    if (chosen_.at) return part(room_, chosen_.size, all_.cols());
    return row_block(all_, chosen_.first, chosen_.size);
  }

 protected:
  ConstMat<S> all_;
  Mat<S> room_;  // (most, width)
  Rows chosen_;
};

// The same for products with their transpose. Blocks of neighboring rows are transposed when a tile first
// needs them, once for all tiles.
template <class S>
class TurnedRows : public TileRows<S> {
 public:
  TurnedRows(In<S> all, Index most, Memory<S>& memory)
      : TileRows<S>(all, most, memory),
        turned_(tile_room(memory, blocks(all.rows()) * all.cols(), kBlock)),
        is_turned_(memory.template temp_span<bool>(blocks(all.rows()))) {
    std::fill(is_turned_.begin(), is_turned_.end(), false);
  }

  void choose(const Rows& rows) {
    TileRows<S>::choose(rows);
    if (rows.at) return;
    for (Index block = rows.first / kBlock; block < blocks(rows.first + rows.size); ++block) {
      bool& done = is_turned_[static_cast<std::size_t>(block)];
      if (done) continue;
      const Index from = block * kBlock, n = std::min(kBlock, this->all_.rows() - from);
      transpose(row_block(this->all_, from, n), columns(from, n));
      done = true;
    }
  }

  // c = a rows^T
  void times_turned(In<S> a, Mat<S> c) const {
    const Rows& rows = this->chosen_;
    if (rows.at) return product_abt(a, this->rows(), c);
    for (Index done = 0; done < rows.size;) {
      const Index from = rows.first + done, n = std::min(kBlock - from % kBlock, rows.size - done);
      product_ab(a, columns(from, n), column_block(c, done, n));
      done += n;
    }
  }

 private:
  static constexpr Index kBlock = 64;
  static Index blocks(Index rows) { return (rows + kBlock - 1) / kBlock; }

  // (width, n): rows from .. from+n-1, transposed; Requires: they are in one block
  Mat<S> columns(Index from, Index n) const {
    const Index width = this->all_.cols();
    return column_block(row_block(turned_, from / kBlock * width, width), from % kBlock, n);
  }

  Mat<S> turned_;  // (width, kBlock) for each block, one below the other, so that neighboring positions are
                   // close in memory
  std::span<bool> is_turned_;
};

// the chosen rows of `to` += a^T b, through `room` where they are chosen one by one
template <class S>
void add_to_rows(In<S> a, In<S> b, const Rows& rows, Mat<S> room, Mat<S> to) {
  if (!rows.at) return add_product_atb(a, b, row_block(to, rows.first, rows.size));
  const Mat<S> sum = part(room, rows.size, to.cols());
  product_atb(a, b, sum);
  scatter_add(sum, rows, to);
}

}  // namespace heed
