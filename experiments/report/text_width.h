// How wide a text is in a figure, and where it may be broken.
#pragma once

#include <string>
#include <vector>

namespace heed::report {

inline constexpr double kFontSize = 13;  // pixels
inline constexpr int kLineHeight = 16;   // of texts of several lines

// In pixels. The viewer chooses the font; the widest of those that are usual is DejaVu Sans, and its widths
// are taken.
double text_width(const std::string& text);

// The lines of a text that are at most `width` wide: broken behind a space, '+', '>' or ','; else behind '(',
// '=',
// '_' or '-'; else anywhere.
std::vector<std::string> wrapped(const std::string& text, double width);

}  // namespace heed::report
