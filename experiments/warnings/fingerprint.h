#pragma once

#include <string>
#include <vector>

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "core/task.h"

namespace heed {

// A summary of what a model computes: equal fingerprints mean the same function of the same parameters.
struct Fingerprint {
  std::string parameters;           // names, shapes and roles of everything that is trained
  std::vector<double> numbers;      // see fingerprint.cpp
  std::vector<double> scales;       // what differences of the numbers are compared with
  std::vector<std::string> unused;  // parameters, or ends of them, on which the loss does not depend

  bool same_as(const Fingerprint& other) const;
};

// Returns the fingerprint of a model on the first training sequences of a task, in double, so that options
// that only change rounding (the size of a tile) make no difference. Training options are not included.
Fingerprint fingerprint(const ModelSpec& spec, const Registry& registry, const Task& task);

// Returns about how many floating-point operations that takes, without memory for the model's parameters.
double fingerprint_flops(const ModelSpec& spec, const Registry& registry, const Task& task);

}  // namespace heed
