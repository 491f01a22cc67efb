#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/trial_config.h"
#include "experiments/sweep/variant_list.h"

namespace heed {

// The sections of a sweep file that one trial is made of, with a point of the sweep set in them.
Config sections_at(const Config& tree, const Point& point);

// Reads `task`, `model` and `train` into a trial, no default left unsaid. False where a problem was found.
bool resolve_sections(const Config& sections, const Registry& registry, TrialConfig& trial,
                      Problems& problems);

// Puts a variant into a resolved trial. What stands in the feed-forward slot is the variant's own choice
// where it has one (VariantInfo::block_style). One that grows may say how many updates it takes.
void set_variant(const VariantEntry& variant, const Registry& registry, TrialConfig& trial,
                 Problems& problems);

}  // namespace heed
