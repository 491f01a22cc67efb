#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/registry.h"

namespace heed {

// Positions in two dimensions: those of an image, row by row.
struct Grid {
  Index columns = 1;

  Index column(Index position) const { return position - row(position) * columns; }
  // Rounds down: positions may be below 0.
  Index row(Index position) const { return (position - (position < 0 ? columns - 1 : 0)) / columns; }
};

// Returns the grid of the longest sequence; `columns: 0`, which a task with images replaces by its own, is
// one row. Throws: heed::Error if the last row is not full.
inline Grid grid_of(Index columns, const PositionSpec& spec, const char* kind) {
  if (columns == 0) return {std::max<Index>(spec.length, 1)};
  if (spec.length % columns != 0)
    throw Error(fmt::format("'{}' has 'columns: {}', but the {} positions are no full rows of that many.",
                            kind, columns, spec.length));
  return {columns};
}

}  // namespace heed
