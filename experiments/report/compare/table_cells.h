// The tables of a comparison as cells of text, to be printed as aligned text or as HTML.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed {

using Cells = std::vector<std::string>;  // one row

struct TextTable {
  std::string group;        // "length = 64" with comparison.by, "mean over 3 tasks" for a summary, else empty
  std::string title;        // a phrase; empty for the table of values
  std::vector<Cells> rows;  // the first row has the column names
};

// Returns the table of values, and the table of differences from the reference if something is compared;
// this pair for each value of comparison.by. The summary over tasks is last.
std::vector<TextTable> tables(const Comparison& comparison);

// Format numbers for tables: four decimals (two significant digits if it is below 0.001), "never" for
// infinity, "-" for a missing value.
std::string rounded(double x);
std::string rounded_steps(double x);  // integers without decimals

std::string count(std::size_t n);
std::string percent(double share);  // a mismatch: "+0.31%", "0%"

bool is_number(const std::string& text);

Cells joined(Cells a, const Cells& b);

}  // namespace heed
