#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

// Selects hyperparameters on validation, separately for each variant.

namespace heed {

// A row under construction.
struct Group {
  ComparedRow row;
  std::vector<double> validation;       // values of the trials that have one
  std::vector<double> spent, mismatch;  // values of the trials that have them
};

// Returns true if the value in column `c` follows from a variant's values in the columns `from`.
bool follows(const std::vector<const ComparedRow*>& rows, std::size_t c, const std::vector<bool>& from);

struct Selection {
  std::vector<Group> groups;  // the remaining ones, in their order
  std::vector<bool> chosen;   // for each column: was it selected? Empty if there was nothing to select
};

// Selects one of the rows of a variant that differ in column `at` and in columns that change with it (a
// warmup in the same `together`, the other parameters of a random search's point, a width that meets a
// budget). Keeps the row that is best on validation: among those with the fewest incomplete trials, the one
// with the best mean. paths: the parameter of each column. Task parameters are never selected.
Selection select(std::vector<Group> groups, std::size_t at, const std::vector<std::string>& paths,
                 Better better);

}  // namespace heed
