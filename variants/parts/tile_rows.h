#pragma once

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

// The same for a product with their transpose: all rows are turned once, so that no tile has to be.
template <class S>
class TurnedRows : public TileRows<S> {
 public:
  TurnedRows(In<S> all, Index side, Memory<S>& memory)
      : TileRows<S>(all, side, memory), turned_(turned_room(all, memory)) {
    transpose(all, turned_);
  }

  // c = a rows^T
  void times_turned(In<S> a, Mat<S> c) const {
    if (this->chosen_.at) return product_abt(a, this->rows(), c);
    product_ab(a, column_block(turned_, this->chosen_.first, this->chosen_.size), c);
  }

 private:
  // A cache line more than its columns: rows a power of two apart would share a few sets of the cache.
  static Mat<S> turned_room(In<S> all, Memory<S>& memory) {
    return part(tile_room(memory, all.cols(), all.rows() + kAlignment / sizeof(S)), all.cols(), all.rows());
  }
  Mat<S> turned_;  // (width, T)
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
