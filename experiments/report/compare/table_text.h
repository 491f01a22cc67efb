// Tables as text: aligned columns for people, CSV for programs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed {

// Returns the tables of values and of differences from the reference (one pair for each value of
// comparison.by), and the notes.
std::string table_text(const Comparison& comparison);

// Returns one CSV table, one line per row; the rows of means over tasks are last. Its columns depend only on
// the metric, the swept parameters and whether a budget was matched.
std::string csv_text(const Comparison& comparison);

// Returns aligned columns; the first row has their names. Numbers are right-aligned, words left-aligned.
// Empty columns are left out. If the table would be wider than `most`, the widest column of words is broken
// at spaces into several lines.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t most = std::string::npos);

}  // namespace heed
