#pragma once

#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed::report {

// The result for one variant, as a sentence that begins with its name.
struct Verdict {
  std::string variant;
  std::string word;      // the verdict if it is the same at all settings, else "mixed"
  std::string sentence;  // "is worse than softmax by 0.6228 in test accuracy (95 % interval ...)."
};

// Returns one verdict for each compared variant. `unit`: of the metric.
std::vector<Verdict> verdicts(const Comparison& comparison, const std::string& unit);

// Returns "Worse than softmax: linear, window. No difference shown: tokenformer.", or an empty string if
// nothing is compared.
std::string headline(const Comparison& comparison, const std::vector<Verdict>& verdicts);

// Returns the reference's value as a sentence, or an empty string if it has no row.
std::string reference_sentence(const Comparison& comparison, const std::string& unit);

}  // namespace heed::report
