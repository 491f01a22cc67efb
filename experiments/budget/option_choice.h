#pragma once

#include <optional>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/budget/tunable.h"
#include "experiments/sweep/match.h"

namespace heed {

// The option that is changed in a variant, and the values to try.
struct SearchRange {
  Tunable tunable;
  Index first, last;
};

// Returns what `compare.match.adjust` names for the trial, or the default. Nothing if there is no such option
// or if the sweep compares its values; the problems say why.
std::optional<SearchRange> option_to_tune(const Match& match, const TrialConfig& trial,
                                          const VariantEntry& variant, const Registry& registry,
                                          Problems& problems);

// Is there nothing to change: no feed-forward where no option was named, or an option that the sweep
// compares? Such a variant is accepted if it meets the budget as it is.
bool has_nothing_to_tune(const Match& match, const TrialConfig& trial, const VariantEntry& variant,
                         const Registry& registry);

}  // namespace heed
