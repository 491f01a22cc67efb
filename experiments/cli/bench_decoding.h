#pragma once

#include "core/registry.h"
#include "experiments/cli/command.h"

namespace heed::cli {

// `heed bench --decode`: measures decoding token by token, for each variant and length.
int bench_decoding(const Input& input, const Registry& registry);

}  // namespace heed::cli
