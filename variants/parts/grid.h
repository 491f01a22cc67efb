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

// Options of positions in two dimensions.
struct GridOptions {
  Index columns = 0;
  double base = 10000;
  void describe(auto& option) {
    option("columns", columns,
           {.min = 0, .max = 1 << 20, .doc = "positions in a row; 0: of the task's images"});
    option("base", base, {.min = 1, .doc = "the longest wave is 2 pi times this many rows or columns long"});
  }
  PositionTraits traits() const { return {.grid = true, .task_columns = columns == 0}; }
};

// Returns the grid of the longest sequence: that of the options, or else of the task. Without both, as in the
// conformance checks, it is one row. Throws: heed::Error if the last row is not full.
inline Grid grid_of(const GridOptions& options, const PositionSpec& spec, const char* kind) {
  const Index columns = options.columns > 0 ? options.columns : spec.columns;
  if (columns == 0) return {std::max<Index>(spec.length, 1)};
  if (spec.length % columns != 0)
    throw Error(fmt::format("'{}' has 'columns: {}', but the {} positions are no full rows of that many.",
                            kind, columns, spec.length));
  return {columns};
}

}  // namespace heed
