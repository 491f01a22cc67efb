#pragma once

#include <string>
#include <vector>

#include "results/table.h"

namespace heed {

// The trials of several sweeps as those of one.
struct JoinedResults {
  results::Results results;
  std::vector<std::string> notes;  // what a reader must know, a sentence each
};

// Returns the trials one after another, numbered from 0. A parameter, metric or variable that only some
// sweeps have is missing in the others' trials. A trial that several sweeps have (its id) stands once: the
// first one that is done; where they are done with different results, a note says so. A variant that has the
// same label in two sweeps with other options gets them in its label: "window(size=8)". Requires: at least
// one sweep.
JoinedResults joined(const std::vector<results::Results>& sweeps);

}  // namespace heed
