// Tables as text: aligned columns for people, CSV for programs.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed {

// Returns the tables of values and of differences from the reference (one pair for each value of
// comparison.by), and the notes.
std::string table_text(const Comparison& comparison);

// Returns one CSV table, one line per row. Its columns depend only on the metric, the swept parameters and
// whether a budget was matched.
std::string csv_text(const Comparison& comparison);

// Returns aligned columns; the first row has their names. Numbers are right-aligned, words left-aligned.
// Empty columns are left out.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace heed
