#pragma once

#include <string>

#include "core/registry.h"

namespace heed::cli {

// Returns why `heed new` cannot write a variant of this name into `source` (one of new_files), as a sentence;
// empty if it can.
std::string refuse_variant_name(const std::string& name, const std::string& source, const Registry& registry);

// Returns the name of a variant as a C++ type: CosineTop2 for cosine_top2.
std::string type_name(const std::string& variant);

}  // namespace heed::cli
