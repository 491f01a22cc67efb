#include "experiments/sweep/variant_names.h"

namespace heed {

bool mixes_time(const VariantInfo& variant) {
  Problems none;
  return variant.traits(variant.resolve(Config(), variant.name, none)).mixes_time;
}

std::vector<std::string> variant_names(const Registry& registry, bool mixing) {
  std::vector<std::string> out;
  for (const VariantInfo& v : registry.variants())
    if (mixes_time(v) == mixing) out.push_back(v.name);
  return out;
}

}  // namespace heed
