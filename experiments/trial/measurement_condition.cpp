#include "experiments/trial/measurement_condition.h"

#include <algorithm>
#include <array>

#include "experiments/trial/compare_options.h"

namespace heed {
namespace {

// Parameters of `train` that change evaluation and not training.
constexpr std::array kOfEvaluation = {"train.test_sequences", "train.evaluate_sequences",
                                      "train.evaluate_every"};

}  // namespace

bool is_measurement_condition(const std::string& path) {
  return path == kTasks || path.starts_with("task.") ||
         std::ranges::find(kOfEvaluation, path) != kOfEvaluation.end();
}

}  // namespace heed
