#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

// Hyperparameters are chosen on validation, for each variant its own.

namespace heed {

// A row while it is made.
struct Group {
  ComparedRow row;
  std::vector<double> validation;       // of the trials that have a value
  std::vector<double> spent, mismatch;  // of those that know them
};

// Is the value in column `c` the same wherever a variant's rows agree in the columns `from`?
bool follows(const std::vector<const ComparedRow*>& rows, std::size_t c, const std::vector<bool>& from);

struct Selection {
  std::vector<Group> groups;  // those that are left, in their order
  std::vector<bool> chosen;   // of each column; none where there was nothing to choose from
};

// Of the rows of a variant that differ in column `at`, and in what changes with it (a warm-up that stands
// with it in `together`, the rest of a random search's point, a width that meets a budget), keeps the one
// that is best on validation: of those with the fewest trials that are not done, the one with the best mean.
// `paths`: the parameter of each column. What belongs to the task is asked, never chosen.
Selection select(std::vector<Group> groups, std::size_t at, const std::vector<std::string>& paths,
                 Better better);

}  // namespace heed
