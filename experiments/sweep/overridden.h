#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the name of the feed-forward that attention variants bring themselves, if no block of the model has
// the one in the model's slot ("pattention" for tokenformer).
std::optional<std::string> brought_feed_forward(const std::vector<Choice>& attention, const Choice& slot,
                                                const Registry& registry);

// Returns why a trial does not train what the sweep sets at its point, so that its label would be wrong: its
// variant decides that itself. Empty if it does. `point`: the trial before it got its variant; `swept`: the
// paths that the sweep sets.
std::string refuse_overridden(const TrialConfig& point, const TrialConfig& trial,
                              const std::vector<std::string>& swept, const Registry& registry);

}  // namespace heed
