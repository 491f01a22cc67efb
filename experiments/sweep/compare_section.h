#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/compare_options.h"

namespace heed {

// Reads the section `compare` (may be null) without `match`. Does not check whether what it names exists.
CompareOptions read_compare_options(const Config* section, Problems& problems);

// Reads a reference that is one setting, {variant: softmax, model.positions: rope}. `path`: of it, for
// messages.
void read_reference(const Config& given, const std::string& path, CompareOptions& compare,
                    Problems& problems);

// Returns "softmax", or "softmax with model.positions.name=rope".
std::string reference_text(const CompareOptions& compare);

// The same with checks: a metric, reference or selected parameter that does not exist becomes a problem.
// `options`: what may be set (section_options).
CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            const std::vector<OptionInfo>& options, Problems& problems);

}  // namespace heed
