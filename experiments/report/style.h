// The look that all figures share.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

// Returns style.gp, which each figure loads: terminal, sizes, legend, and a line style for each variant.
std::string style_script();

// Returns a figure's <name>.gp, from which gnuplot makes <name>.svg, .pdf or .png.
std::string figure_script(const Figure& figure);

// The line style of a ring around a point.
inline constexpr int kRing = 101;

// Return the number of a variant's style, and "ls 3" for gnuplot. `place`: index of the variant. Styles
// differ in color, dash and point, so that they are distinguishable in gray too.
int style_of(std::size_t place);
std::string line_style(std::size_t place);
// Returns its color, "0072B2".
std::string color(std::size_t place);
// Adds plot elements: the points of a block (DataFile::add) whose rows begin with x, mean, low, high, and
// bars from low to high if these are known.
void add_points_with_bars(std::vector<std::string>& elements, const std::string& block,
                          const std::vector<std::vector<double>>& rows, std::size_t place);
std::vector<LegendEntry> legend_of(const std::vector<std::string>& variants);

}  // namespace heed::report
