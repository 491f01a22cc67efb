#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/options.h"
#include "experiments/sweep/setting.h"

namespace heed {

using Point = std::vector<Setting>;

// The `sweep` section: what varies besides the variants.
struct Axes {
  std::vector<Point> points = {{}};        // without seeds, in plan order
  std::vector<std::uint64_t> seeds = {0};  // each point is run with each
  std::vector<std::string> swept;          // the paths that points set
  std::vector<std::string> together;       // those of `together`
  bool drawn = false;                      // all change from point to point, not one at a time
};

// Points of a grid are the product of `together` (slowest) and the parameters in the order of the file.
// Point t of a random search draws parameter p from a stream named p at counter t. It depends only on
// sweep.seed and t, so a longer search begins with the points of a shorter one. A Halton search has the same
// property; its draws also depend on the parameter's place in the file. `options`: what may be set
// (section_options).
Axes read_axes(const Config& tree, const std::vector<OptionInfo>& options, Problems& problems);

// More trials than this are refused.
constexpr std::size_t kMaxTrials = 100000;

}  // namespace heed
