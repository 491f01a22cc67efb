#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"

namespace heed {

// The place of everything that the command line sets.
extern const Place kCommandLine;

// Sets an override ("train.lr=0.001": a dotted path and a YAML value) in the tree of a sweep file. A list for
// an option that takes one value becomes an axis in sweep.parameters; an override of a swept key removes its
// axis. "variants.NAME.OPTION" and "tasks[0].OPTION" set one option of an entry. Notes what of the file has
// no effect any more.
void apply_override(Config& tree, const std::string& text, const Registry& registry,
                    std::vector<std::string>& notes, Problems& problems);

}  // namespace heed
