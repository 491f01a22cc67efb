#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/variant_list.h"

namespace heed::cli {

// Returns the variants of a command line, each name followed by its options (`window size=64 global=[0]`), or
// all that `heed list` shows if there are no words. They are resolved by the reader of sweep files, so that
// ranges and messages are the same. Throws: UsageError if a name is unknown or an option precedes the first
// one; ConfigError.
std::vector<VariantEntry> variants_of(const std::vector<std::string>& words, const Registry& registry);

}  // namespace heed::cli
