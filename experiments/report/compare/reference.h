// The reference of a comparison: a variant, or one setting of it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/selection.h"

namespace heed {

// Returns true if the reference has a value of this parameter or slot.
bool is_of_reference(const std::string& path, const CompareOptions& options);

// Returns "softmax", or "softmax (positions=rope)".
std::string reference_name(const Trials& trials, const CompareOptions& options);

// Throws: heed::Error with the rows there are, if all trials have ended and none has the values of the
// reference. ended: the number of trials that have.
void refuse_missing_reference(const std::vector<Group>& groups, const Comparison& comparison,
                              const CompareOptions& options, std::size_t ended);

}  // namespace heed
