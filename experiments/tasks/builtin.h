#pragma once

#include "core/registry.h"

namespace heed {

// Adds every task of this folder.
void register_builtin_tasks(Registry& registry);

}  // namespace heed
