// Figures on a dark page.
#pragma once

#include <string>

namespace heed::report {

// Returns CSS declarations that give each color of the figures a counterpart for dark pages: "--0072B2:
// #3B8FD9; ...". Color-blind readers can distinguish them too.
std::string dark_colors();

// Returns gnuplot's SVG with its colors as variables of these names (with the original color as default),
// and without its white background. The color scale beside an image keeps its colors.
std::string themed(std::string svg);

}  // namespace heed::report
