#pragma once

#include "core/registry.h"
#include "experiments/cli/command.h"

namespace heed::cli {

// `heed bench --context-parallel`: measures layers on several ranks, for each variant and length.
int bench_context_parallel(const Input& input, const Registry& registry);

}  // namespace heed::cli
