#pragma once

#include <string>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the sections `task`, `model` and `train` of a sweep file, with a point of the sweep set in them.
Config sections_at(const Config& tree, const Point& point);

// Reads these sections into a trial, with every default. task_path: the key of `task` in the file, for
// messages ("task", "tasks[1]"). Returns false if a problem was found.
bool resolve_sections(const Config& sections, const std::string& task_path, const Registry& registry,
                      TrialConfig& trial, Problems& problems);

// Returns the trial of a variant at a point of the sweep, with the plugins that it uses.
TrialConfig with_variant(const TrialConfig& point, const VariantEntry& variant, const Registry& registry,
                         Problems& problems);

}  // namespace heed
