#pragma once

#include <string>
#include <vector>

#include "results/table.h"

namespace heed {

// The trials of several sweeps as those of one.
struct JoinedResults {
  results::Results results;
  std::vector<std::string> notes;   // each a sentence
  std::vector<std::string> labels;  // of each trial's variant in its own sweep

  // Returns what a label of a sweep is called in `results`, of the first sweep that has it.
  std::string renamed(const std::string& label) const;
};

// Returns the trials of all sweeps in order, numbered from 0. A parameter, metric or variable that only some
// sweeps have is missing in the others' trials. A trial (by its id) that several sweeps have is returned
// once: the first one that is done. If they are done with different results, a note says so. If two sweeps
// use one label for different variants, it gets their names: "base(name=window)". If they use it for a
// variant with different options, it gets the options: "window(size=8)". Requires: at least one sweep.
JoinedResults joined(const std::vector<results::Results>& sweeps);

}  // namespace heed
