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
    double x, y;  // of its mark's left end; of its first line's middle
    Lines lines;
  };
  std::vector<Key> keys;         // above the panels, one for each entry of the legend
  std::vector<Lines> titles;     // of the panels
  std::vector<Lines> row_names;  // beside the panels
};

// kWide or kNarrow.
Layout layout(const Figure& figure, int width);

// The axes of the figure's panels are at least that wide, on either page.
double narrowest_panel(const Figure& figure);
// The same for a figure of so many panels.
double narrowest_panel(std::size_t panels);

}  // namespace heed::report
