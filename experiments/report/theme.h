// Figures on a dark page.
#pragma once

#include <string>

namespace heed::report {

// Declarations of CSS that give each color of the figures its twin for a dark page: "--0072B2: #3B8FD9;
// ...". They differ for color-blind eyes as the light ones do.
std::string dark_colors();

// An SVG of gnuplot with its colors as variables of these names, which without a declaration are what they
// were, and without its white ground. The scale beside an image keeps its colors.
std::string themed(std::string svg);

}  // namespace heed::report
