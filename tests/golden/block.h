// Runs a pre-norm block of a variant and an MLP.
#pragma once

#include "tests/golden/run.h"

namespace heed::golden {

// names: of the variant's own parameters
Run run_block_of(const Case& c, const VariantInfo& variant, const Config& options, Index heads,
                 const ParamNames& names, const Registry& registry);

}  // namespace heed::golden
