#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "core/views.h"

namespace heed {

// Rotates pairs of channels of queries and keys by angles of their positions:
//     (a, b) -> (a cos - b sin, a sin + b cos)
// Pairs are channels (2i, 2i + 1), or, if `half`, (i, i + pairs), of the first 2 pairs channels of a map. The
// others do not change.
template <class S>
class Rotation {
 public:
  using Angle = std::function<double(Index position, Index pair, Index pairs)>;  // in radians

  // length: of the longest sequence
  Rotation(Angle angle, Index length, bool half) : angle_(std::move(angle)), length_(length), half_(half) {}

  // Row t of x has position first + t. direction: 1, or -1 for the transpose.
  void rotate(Heads<S> x, Index pairs, Index first, S direction) const {
    const Table& table = angles(pairs, first, x.time);
    const Index next = half_ ? 1 : 2, apart = half_ ? pairs : 1;
    for (Index b = 0; b < x.batch; ++b)
      for (Index t = 0; t < x.length(b); ++t) {
        const S* cos = table.cos.row(first - table.first + t).data();
        const S* sin = table.sin.row(first - table.first + t).data();
        for (Index h = 0; h < x.heads; ++h) {
          S* row = x(b, h).row(t).data();
          for (Index i = 0; i < pairs; ++i) {
            S& a = row[i * next];
            S& c = row[i * next + apart];
            const S turned = a * cos[i] - direction * c * sin[i];
            c = direction * a * sin[i] + c * cos[i];
            a = turned;
          }
        }
      }
  }

 private:
  // The angles of positions first .. first + cos.rows() - 1, one column per pair.
  struct Table {
    Index pairs = 0, first = 0;
    Matrix<S> cos, sin;
  };

  // Layers may differ in the width of their maps: one table for each width. Filled at first use (a model
  // that is only counted needs none), and again for positions outside it.
  const Table& angles(Index pairs, Index first, Index time) const {
    auto at = std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.pairs == pairs; });
    if (at == tables_.end()) at = tables_.insert(at, Table{pairs, 0, {}, {}});
    if (first < at->first || first + time > at->first + at->cos.rows()) fill(*at, first, first + time);
    return *at;
  }

  void fill(Table& table, Index from, Index to) const {
    from = std::min(from, table.first);
    to = std::max({to, table.first + table.cos.rows(), length_});
    table.first = from;
    table.cos.resize(to - from, table.pairs);
    table.sin.resize(to - from, table.pairs);
    for (Index i = 0; i < table.pairs; ++i)
      for (Index p = from; p < to; ++p) {
        const double angle = angle_(p, i, table.pairs);
        table.cos(p - from, i) = static_cast<S>(std::cos(angle));
        table.sin(p - from, i) = static_cast<S>(std::sin(angle));
      }
  }

  Angle angle_;
  Index length_;
  bool half_;
  mutable std::vector<Table> tables_;
};

}  // namespace heed
