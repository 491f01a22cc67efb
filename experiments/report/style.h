// The look that all figures share.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/figure.h"

namespace heed::report {

// style.gp, which each figure loads: terminal, sizes, legend, and a line style for each variant.
std::string style_script();

// <name>.gp of a figure: gnuplot makes <name>.svg of it, or .pdf, .png.
std::string figure_script(const Figure& figure);

// The line style that rings a point.
inline constexpr int kRing = 101;
// The first of three grays for what is no variant.
inline constexpr int kShareStyle = 102;

// The number and "ls 3", the words for gnuplot, of the style of the variant in this place. Styles differ in
// color, dash and point, so that they are told apart in gray too.
int style_of(std::size_t place);
std::string line_style(std::size_t place);
// Its color, "0072B2".
std::string color(std::size_t place);
// Elements of a plot: the points of a block whose rows begin with x, mean, low, high, and bars from low to
// high where these are known. `across`: the bars lie along the x axis, and the rows begin with y.
std::vector<std::string> points_with_bars(const std::string& file, int index,
                                          const std::vector<std::vector<double>>& rows,
                                          const std::string& style, bool across = false);
std::vector<LegendEntry> legend_of(const std::vector<std::string>& variants);

}  // namespace heed::report
