#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/options.h"

namespace heed {

inline constexpr const char* kTasks = "task";    // as `by`: the tasks of a sweep with several
inline constexpr const char* kNothing = "none";  // as `select`: nothing is selected

// The `compare` section of a sweep file: what `heed compare` shows by default.
struct CompareOptions {
  std::string metric = "test_accuracy", reference, select;
  // The values of the reference, if it is one setting: paths as in a resolved configuration
  // ("model.positions.name"), and values as tables show them.
  std::vector<std::pair<std::string, std::string>> reference_values;
  std::string by;  // a parameter with a table for each value, kTasks for the tasks of a sweep; or empty
  std::size_t planned = 0;       // trials of the sweep; 0: not known
  std::vector<std::string> own;  // paths that variants set for themselves; a slot is one path
  void describe(auto& option) {
    option("metric", metric, {.doc = "what the table shows"});
    option("reference", reference, {.doc = "the variant that the others are compared with"});
    option(
        "select", select,
        {.doc =
             "a swept parameter whose best value is chosen on validation, per variant; none: no parameter"});
  }
};

}  // namespace heed
