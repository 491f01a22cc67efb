#include "experiments/warnings/warnings.h"

#include "experiments/warnings/attention_dropout.h"
#include "experiments/warnings/large_trials.h"
#include "experiments/warnings/overlap_warnings.h"
#include "experiments/warnings/reach.h"
#include "experiments/warnings/same_models.h"
#include "experiments/warnings/same_training.h"
#include "experiments/warnings/unused_keys.h"
#include "experiments/warnings/unused_method.h"
#include "experiments/warnings/unused_stop.h"

namespace heed {

std::vector<std::string> warnings_of(const Config& tree, const Sweep& sweep, const Registry& registry) {
  std::vector<std::string> out = overlap_warnings(sweep, registry);
  for (const auto& more : {large_trial_warnings(sweep, registry), same_model_warnings(sweep, registry),
                           same_training_warnings(sweep, registry), unused_method_warnings(sweep, registry),
                           unused_key_warnings(tree, sweep, registry), unused_stop_warnings(sweep),
                           attention_dropout_warnings(sweep, registry), reach_warnings(sweep, registry)})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace heed
