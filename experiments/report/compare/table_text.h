// Tables as text: for people in aligned columns, for programs as CSV.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed {

// Two tables, what was measured and how it compares with the reference (one pair for each value of
// comparison.by), and the notes.
std::string table_text(const Comparison& comparison);

// One table with all of it, a line per row; its columns depend on nothing but the metric, what varies and
// whether a budget was matched.
std::string csv_text(const Comparison& comparison);

// Columns of text under each other, the first row their names: numbers to the right, words to the left. A
// column that has nothing in it is left out.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace heed
