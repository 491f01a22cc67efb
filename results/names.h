// How things are named in a results file.
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

namespace heed::results {

// What the root of every file already holds.
inline constexpr std::array<const char*, 17> kReservedNames = {
    "trial", "id",      "status",  "reason", "last_step", "config", "build",   "jobs", "created",
    "host",  "seconds", "weights", "logits", "attention", "probes", "threads", "run"};

// A letter or underscore, then letters, digits and underscores: `d.test_accuracy` works in Python.
bool is_python_name(const std::string& name);

// What netCDF allows: no '/', no control characters, a letter, digit or underscore first, no space last.
bool is_variable_name(const std::string& name);

// The variable of each parameter, in the same order. A parameter `train.lr` becomes
//   lr            its last part, if no other parameter and nothing in `taken` has that name, else
//   train_lr      with underscores, by the same condition, else
//   parameter_train.lr
// The result depends on the set of names alone, not on their order.
std::vector<std::string> short_names(const std::vector<std::string>& parameters,
                                     const std::set<std::string>& taken);

}  // namespace heed::results
