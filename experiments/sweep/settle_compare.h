#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/sweep_file.h"

namespace heed {

// Returns the labels of the variants of a sweep file; problems are reported elsewhere.
std::vector<std::string> labels_of(const Config& tree, const Registry& registry);

// Adapts the section `compare` to overrides that removed what it names: the first variant becomes the
// reference, and nothing is selected. Does not change what is wrong without overrides; it is refused later.
// file_labels: of the variants before the overrides.
void settle_compare(SweepFile& file, const std::vector<std::string>& file_labels, const Registry& registry);

}  // namespace heed
