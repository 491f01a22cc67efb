// The beginning of two variant files whose authors chose the same name for different things.
#pragma once

#include "core/registry.h"

namespace heed {

void add_from_another_file(Registry& registry);

}  // namespace heed
