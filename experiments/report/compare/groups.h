#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/selection.h"

namespace heed {

// Groups trials by variant and setting: the rows of a table. Several trials of one row and seed differ only
// in what no table shows, such as the build of a plugin: the first is used, and `twice` counts the others.
std::vector<Group> group(const Trials& trials, std::size_t& twice);

// Computes the center, standard deviation and interval of a row's values.
void summarize(ComparedRow& row, const std::string& metric);

}  // namespace heed
