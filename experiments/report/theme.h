// Figures on a dark page.
#pragma once

#include <string>

namespace heed::report {

// Declarations of CSS that give each colour of the figures its twin for a dark page: "--0072B2: #3B8FD9;
// ...". They differ for colour-blind eyes as the light ones do.
std::string dark_colours();

// An SVG of gnuplot with its colours as variables of these names, which without a declaration are what they
// were, and without its white ground. The scale beside an image keeps its colours.
std::string themed(std::string svg);

}  // namespace heed::report
