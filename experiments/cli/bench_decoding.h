#pragma once

#include "core/registry.h"
#include "experiments/cli/bench_history.h"
#include "experiments/cli/command.h"

namespace heed::cli {

// `heed bench --decode`: measures decoding token by token, for each variant and length. history: null
// without --history
int bench_decoding(const Input& input, const Registry& registry, BenchHistory* history);

}  // namespace heed::cli
