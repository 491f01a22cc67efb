#pragma once

#include <functional>
#include <utility>

#include "core/error.h"
#include "core/views.h"

namespace heed {

// A fixed vector for each position, added to the embeddings: x_p += table_p.
template <class S>
class PositionTable {
 public:
  using Value = std::function<double(Index position, Index channel)>;

  // length: of the longest sequence
  PositionTable(Value value, Index length, Index dim)
      : value_(std::move(value)), length_(length), dim_(dim) {}

  // x (B,T,C) += the rows from `first` on, as many as each sequence has.
  void add(Seq<S> x, Index first) const {
    HEED_CHECK(first + x.time <= length_ && x.dim == dim_, "a sequence does not fit the table of positions");
    if (table_.size() == 0) fill();
    for (Index b = 0; b < x.batch; ++b) x.at(b) += table_.middleRows(first, x.length(b));
  }

 private:
  void fill() const {
    table_.resize(length_, dim_);
    for (Index p = 0; p < length_; ++p)
      for (Index c = 0; c < dim_; ++c) table_(p, c) = static_cast<S>(value_(p, c));
  }

  Value value_;
  Index length_, dim_;
  mutable Matrix<S> table_;  // filled at first use: a model that is only counted needs none
};

}  // namespace heed
