#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/options.h"
#include "core/registry.h"
#include "experiments/sweep/axes.h"

namespace heed {

// A setting of one variant only, `train.lr: [0.001, 0.002]` beside the variant. A list has several values,
// unless the option takes a list itself.
struct OwnSetting {
  Setting first;  // path and place, with the first value
  std::vector<Config> values;
};

// Takes the keys beside the variant out of an entry of `variants`, except `label`. `tree`: of the sweep file;
// `known`: what may be set (section_options). Adds a problem for a key that cannot be set there. Returns the
// settings in the order of their paths.
std::vector<OwnSetting> take_own_settings(Config& item, const std::string& path, const Config& tree,
                                          const std::vector<OptionInfo>& known, const Registry& registry,
                                          Problems& problems);

// Returns the paths that entries of `variants` set for themselves, each once; a slot of the model counts as
// one path. Reads the tree only, so that it can be used without a registry.
std::vector<std::string> own_paths(const Config& tree);

}  // namespace heed
