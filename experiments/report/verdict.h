#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed::report {

// What the comparison says of one variant, in a sentence that begins with its name.
struct Verdict {
  std::string variant;
  std::string word;      // verdict_of's where it is the same at all settings, else "mixed"
  std::string sentence;  // "is worse than softmax by 0.6228 in test accuracy (95 % interval ...)."
};

// One for each variant that is compared. `unit`: of the metric.
std::vector<Verdict> verdicts(const Comparison& comparison, const std::string& unit);

// "Worse than softmax: linear, window. No difference shown: tokenformer." Empty where nothing is compared.
std::string headline(const Comparison& comparison, const std::vector<Verdict>& verdicts);

// What the reference reaches; empty where it has no row.
std::string reference_sentence(const Comparison& comparison, const std::string& unit);

}  // namespace heed::report
