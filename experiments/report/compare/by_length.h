#pragma once

#include <optional>

#include "results/table.h"

namespace heed {

// Returns the results with a row for each trial and test length, so that lengths are compared as the values
// of a parameter: the column kTestLengthAxis, and the metric accuracy_by_length(). A trial has a row for each
// length that it was tested at, and one for every length if it is not done. Throws: heed::Error if no trial
// was tested at other lengths.
results::Results by_test_length(const results::Results& results,
                                const std::optional<results::Curves>& accuracy);

}  // namespace heed
