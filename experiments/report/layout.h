// Places the parts of a figure so that nothing covers another thing, however long the names are. All numbers
// are pixels of the SVG.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

inline constexpr int kWidth = 720;

using Lines = std::vector<std::string>;

struct Layout {
  int height;
  int columns, rows;                 // of panels
  int left, right, top, bottom;      // of all panels
  int gap_x, gap_y;                  // between panels
  double panel_width, panel_height;  // of the axes
  struct Key {
    double x, y;  // left end of its mark; middle of its first line
    Lines lines;
  };
  std::vector<Key> keys;      // above the panels, one per legend entry
  std::vector<Lines> titles;  // of the panels
};

Layout layout(const Figure& figure);

// Returns how wide the axes are in a figure with so many panels.
double panel_width(std::size_t panels);

}  // namespace heed::report
