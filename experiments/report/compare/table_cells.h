// The tables of a comparison as cells of text, for whoever prints them: aligned, or as HTML.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed {

using Cells = std::vector<std::string>;  // one row

struct TextTable {
  std::string group;        // "task.length = 64" with comparison.by, else empty
  std::string title;        // a phrase; empty for what was measured
  std::vector<Cells> rows;  // the first holds the columns' names
};

// What was measured, and how it compares with the reference where something is compared; this pair for each
// value of comparison.by.
std::vector<TextTable> tables(const Comparison& comparison);

// Numbers as the tables show them: four decimals, "never" for infinity, "-" for none.
std::string rounded(double x);
std::string rounded_steps(double x);  // whole ones without decimals

std::string count(std::size_t n);
std::string percent(double share);  // a mismatch: "+0.31%", "0%"

bool is_number(const std::string& text);

Cells joined(Cells a, const Cells& b);

}  // namespace heed
