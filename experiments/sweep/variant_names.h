#pragma once

#include <string>
#include <vector>

#include "core/registry.h"

namespace heed {

// Returns true if a variant mixes along time. The others can only be a feed-forward.
bool mixes_time(const VariantInfo& variant);

// Returns the variants that mix along time, or those that do not.
std::vector<std::string> variant_names(const Registry& registry, bool mixing);

}  // namespace heed
