// How wide a text is in a figure, and where it may be broken.
#pragma once

#include <string>
#include <vector>

namespace heed::report {

inline constexpr double kFontSize = 13;  // pixels
inline constexpr int kLineHeight = 16;   // of texts of several lines

// Returns the width in pixels. The viewer chooses the font, so the widths are those of DejaVu Sans, the
// widest common font.
double text_width(const std::string& text);

// Splits a text into lines of at most `width`: after a space, '+', '>' or ','; else after '(', '=', '_' or
// '-'; else anywhere.
std::vector<std::string> wrapped(const std::string& text, double width);

}  // namespace heed::report
