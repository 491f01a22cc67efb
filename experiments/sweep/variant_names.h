#pragma once

#include <string>
#include <vector>

#include "core/registry.h"

namespace heed {

// Returns true if a variant takes the place of the feed-forward (model.feed_forward), not of attention.
bool is_feed_forward(const VariantInfo& variant);

// Returns the variants that take the place of attention, or those that take that of the feed-forward.
std::vector<std::string> variant_names(const Registry& registry, bool attention);

}  // namespace heed
