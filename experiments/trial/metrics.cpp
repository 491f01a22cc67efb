#include "experiments/trial/metrics.h"

#include <algorithm>

#include "core/error.h"

namespace heed {
namespace {

using enum Better;

std::vector<MetricInfo> all_metrics() {
  std::vector<MetricInfo> all = {
      {"test_accuracy", "1", larger, false,
       "share of scored test positions whose likeliest token is the label (micro)"},
      {"test_loss", "nat", smaller, false,
       "mean cross entropy over the scored positions of the test split, after the last update"},
      {"test_accuracy_macro", "1", larger, false,
       "mean over labels of the test accuracy on positions with that label"},
      {"final_validation_accuracy", "1", larger, false, "validation_accuracy after the last update"},
      {"final_validation_loss", "nat", smaller, false,
       "validation_loss after the last update; over the whole of a finite split"},
      {"plateau_step", "1", smaller, false,
       "updates before the first validation whose accuracy is 0.1 above the first one's, or above 0.9; NaN "
       "where none is",
       true},
      {"solved_step", "1", smaller, false,
       "updates before the first validation whose accuracy is above 0.9; NaN where none is", true},
      {"final_gradient_norm", "1", neither, false,
       "norm of all gradients together in the last update, before clipping"},
  };
  for (const HeadMeasure& m : kHeadMeasures)
    all.push_back({std::string("attention_") + m.name, m.unit, m.better, false,
                   std::string(m.description) + ", mean over all layers and heads that have weights"});
  all.push_back({"parameters", "1", smaller, false, "trainable numbers of the whole model"});
  for (const char* component :
       {"attention", "feed_forward", "embedding", "head", "biases", "norms", "positions"})
    all.push_back(
        {std::string("parameters_") + component, "1", smaller, false, "trainable numbers of this component"});
  const std::vector<MetricInfo> costs = {
      {"forward_flops", "flop", smaller, false,
       "floating-point operations of a forward pass of one sequence (formula; a multiply-add is two)"},
      {"training_flops", "flop", smaller, false,
       "floating-point operations of the whole training (formula: three forward passes an update)"},
      {"growth_difference", "1", neither, false,
       "largest change of a logit by growth, over sequences of the next update"},
      {"state_bytes", "byte", smaller, false,
       "state kept per sequence when decoding token by token, at 4 bytes a number"},
      {"step_milliseconds", "ms", smaller, true, "wall time of an update, mean"},
      {"tokens_per_second", "token per s", larger, true, "training tokens, unscored ones included"},
      {"processor_seconds", "s", smaller, true,
       "of the worker's process, all of it; of several processes, where it was continued"},
      {"peak_memory_bytes", "byte", smaller, true, "largest resident size of the worker's process"}};
  all.insert(all.end(), costs.begin(), costs.end());
  return all;
}

}  // namespace

std::string to_string(Better better) {
  return better == larger ? "larger" : better == smaller ? "smaller" : "-";
}

const std::vector<MetricInfo>& metrics() {
  static const std::vector<MetricInfo> all = all_metrics();
  return all;
}

const MetricInfo* find_metric(const std::string& name) {
  const auto at = std::ranges::find(metrics(), name, &MetricInfo::name);
  return at == metrics().end() ? nullptr : &*at;
}

results::Metric measured(const std::string& name, double value) {
  const MetricInfo* info = find_metric(name);
  HEED_CHECK(info, "a metric without an entry in metrics(): " + name);
  return {name, value, info->unit, info->description, info->varies};
}

}  // namespace heed
