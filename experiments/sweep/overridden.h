#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the slot of an option of a slot, as "model.feed_forward.mlp.width"; other paths do not change.
std::string compared_path(const std::string& path);

// Returns the name of the feed-forward that attention variants bring themselves, if no block of the model has
// the one in the model's slot ("pattention" for tokenformer).
std::optional<std::string> brought_feed_forward(const std::vector<Choice>& attention, const Choice& slot,
                                                const Registry& registry);

// Returns why a trial's label would be wrong: its variant overrides what the sweep sets at its point. Empty
// if it does not. `point`: the trial before the variant was applied; `swept`: the paths that the sweep sets.
std::string refuse_overridden(const TrialConfig& point, const TrialConfig& trial,
                              const std::vector<std::string>& swept, const Registry& registry);

}  // namespace heed
