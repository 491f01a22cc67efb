#pragma once

#include <fmt/format.h>

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

// Returns the grid of the longest sequence. Throws: heed::Error if it is unknown, or not full.
inline Grid grid_of(Index columns, const PositionSpec& spec, const char* kind) {
  if (columns == 0)
    throw Error(fmt::format(
        "the positions of this task are in one dimension, and '{}' needs two: use other positions, or say "
        "how many positions are in a row, as '{}: {{columns: 8}}'.",
        kind, kind));
  if (spec.length % columns != 0)
    throw Error(fmt::format("'{}' has 'columns: {}', but the {} positions are no full rows of that many.",
                            kind, columns, spec.length));
  return {columns};
}

}  // namespace heed
