// Where the parts of a figure stand on a page of one width: nothing covers another thing, however long its
// names are. All numbers are pixels of the SVG.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

inline constexpr int kWide = 720, kNarrow = 360;

using Lines = std::vector<std::string>;

struct Layout {
  int width, height;
  int columns, rows;                 // of panels
  int left, right, top, bottom;      // of all panels
  int gap_x, gap_y;                  // between panels
  double panel_width, panel_height;  // of the axes
  struct Key {
    double x, y;  // left end of its mark; middle of its first line
    Lines lines;
  };
  std::vector<Key> keys;         // above the panels, one per legend entry
  std::vector<Lines> titles;     // of the panels
  std::vector<Lines> row_names;  // beside the panels
};

// `width`: kWide or kNarrow.
Layout layout(const Figure& figure, int width);

// Returns the smallest width of the figure's panels on both pages.
double narrowest_panel(const Figure& figure);
// The same for a figure with this number of panels.
double narrowest_panel(std::size_t panels);

}  // namespace heed::report
