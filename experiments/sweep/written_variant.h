#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/model/model_spec.h"
#include "core/registry.h"

namespace heed {

// One variant as it is written in an entry of `variants`, or in a part of a stack or of a growth.
struct WrittenVariant {
  using Shown = std::vector<std::pair<std::string, std::string>>;  // option and value

  Choice choice;         // with all options
  Shown given, crossed;  // the options that are written, and those of them that are crossed
  Index steps = 0;       // of a stage of growth
};

// More entries than this are refused.
constexpr std::size_t kMaxEntries = 10000;

// Reads `softmax` or `{window: {size: [8, 16]}}`. Options whose values are lists are crossed: one variant is
// returned for each combination, the last option's values changing fastest. If an option takes a list itself,
// a list of lists is crossed.
std::vector<WrittenVariant> read_variant(const Config& item, const std::string& path,
                                         const Registry& registry, Problems& problems);

// Reads a list as the layers of a stack. Returns each way to choose one variant for every layer, the last
// layer's changing fastest.
std::vector<std::vector<WrittenVariant>> read_stack(const Config& list, const std::string& path,
                                                    const Registry& registry, Problems& problems);

// Reads a list as the stages of a growth, {tokenformer: {tokens: 16}, steps: 500}; the last stage may omit
// the steps. Returns each way to choose one variant for every stage.
std::vector<std::vector<WrittenVariant>> read_growth(const Config& list, const std::string& path,
                                                     const Registry& registry, Problems& problems);

}  // namespace heed
