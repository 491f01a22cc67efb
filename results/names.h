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

// Returns the variable of each parameter in a file, in the same order. It depends on the parameter, not on
// the other parameters of the file, so that one name means the same in all files:
//   lr, dim           the last part of `train.lr` and `model.dim`
//   attention_eps     else the path with underscores
//   parameter_a.b     only if another parameter, or a name in `taken`, is called so
std::vector<std::string> variable_names(const std::vector<std::string>& parameters,
                                        const std::set<std::string>& taken);

// Returns a name of each parameter for the tables of one comparison, in the same order:
//   eps               the last part of `train.eps`, unless another parameter or a name in `taken` has it,
//   else train_eps         with underscores, by the same condition, else parameter_train.eps
// The result depends on the set of names, not on their order.
std::vector<std::string> short_names(const std::vector<std::string>& parameters,
                                     const std::set<std::string>& taken);

}  // namespace heed::results
