#include "experiments/sweep/compare_section.h"

#include <algorithm>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/sweep/sweep.h"

namespace heed {

CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            Problems& problems) {
  CompareOptions compare;
  const Config* section = tree.find("compare");
  if (!section || section->is_null()) return compare;
  read_section(compare, section, "compare", {"match"}, problems);
  if (!section->is_map()) return compare;
  const auto refuse_unless_known = [&](const char* key, const std::string& value, const char* what,
                                       const std::vector<std::string>& known) {
    const Config* given = section->find(key);
    if (given && given->is_scalar() && std::find(known.begin(), known.end(), value) == known.end())
      problems.add(given->place(),
                   fmt::format("compare.{}: '{}' is no {}.{}", key, value, what, suggestion(value, known)));
  };
  refuse_unless_known("metric", compare.metric, "metric", metric_names());
  refuse_unless_known("select", compare.select, "swept parameter", axes.swept);
  std::vector<std::string> labels;
  for (const VariantEntry& v : variants) labels.push_back(v.label);
  if (!labels.empty()) refuse_unless_known("reference", compare.reference, "variant of this sweep", labels);
  return compare;
}

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"test_accuracy",
                                                 "test_loss",
                                                 "test_accuracy_macro",
                                                 "final_validation_accuracy",
                                                 "final_validation_loss",
                                                 "plateau_step",
                                                 "solved_step",
                                                 "final_gradient_norm",
                                                 "attention_entropy",
                                                 "attention_on_answer",
                                                 "attention_on_distractors",
                                                 "attention_on_first",
                                                 "attention_effective_rank",
                                                 "attention_negative",
                                                 "parameters",
                                                 "parameters_attention",
                                                 "parameters_feed_forward",
                                                 "parameters_embedding",
                                                 "parameters_head",
                                                 "parameters_biases",
                                                 "parameters_norms",
                                                 "parameters_positions",
                                                 "forward_flops",
                                                 "training_flops",
                                                 "growth_difference",
                                                 "state_bytes",
                                                 "step_milliseconds",
                                                 "tokens_per_second",
                                                 "processor_seconds",
                                                 "peak_memory_bytes"};
  return names;
}

}  // namespace heed
