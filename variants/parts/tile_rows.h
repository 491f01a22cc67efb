#pragma once

#include <algorithm>

#include "core/ops/product.h"
#include "core/step.h"
#include "core/views.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/tiles.h"

namespace heed {

// The keys of a head, or its values, a tile at a time. Rows that stand side by side are used where they lie,
// chosen ones are copied together.
template <class S>
class TileRows {
 public:
  TileRows(In<S> all, Index side, Memory<S>& memory)
      : all_(all), room_(tile_room(memory, side, all.cols())) {}

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
  Mat<S> room_;  // (side, width)
  Rows chosen_;
};

// The same for products with their transpose: all rows are turned once, so that no tile has to be.
template <class S>
class TurnedRows : public TileRows<S> {
 public:
  TurnedRows(In<S> all, Index side, Memory<S>& memory)
      : TileRows<S>(all, side, memory),
        side_(side),
        turned_(tile_room(memory, (all.rows() + side - 1) / side * all.cols(), side)) {
    for (Index from = 0; from < all.rows(); from += side) {
      const Index n = std::min(side, all.rows() - from);
      transpose(row_block(this->all_, from, n), columns(from, n));
    }
  }

  // c = a rows^T
  void times_turned(In<S> a, Mat<S> c) const {
    const Rows& rows = this->chosen_;
    if (!rows.at && rows.first / side_ == (rows.first + rows.size - 1) / side_)
      product_ab(a, columns(rows.first, rows.size), c);
    else
      product_abt(a, this->rows(), c);
  }

 private:
  // (width, n): rows from .. from+n-1 turned; they lie in one block of `side`
  Mat<S> columns(Index from, Index n) const {
    const Index width = this->all_.cols();
    return column_block(row_block(turned_, from / side_ * width, width), from % side_, n);
  }

  Index side_;
  Mat<S>
      turned_;  // (width, side) for each `side` rows, under each other: near in memory what is near in time
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
