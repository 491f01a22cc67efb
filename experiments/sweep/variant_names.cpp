#include "experiments/sweep/variant_names.h"

namespace heed {

bool is_feed_forward(const VariantInfo& variant) {
  Problems none;
  return variant.traits(variant.resolve(Config(), variant.name, none)).is_feed_forward();
}

std::vector<std::string> variant_names(const Registry& registry, bool attention) {
  std::vector<std::string> out;
  for (const VariantInfo& v : registry.variants())
    if (is_feed_forward(v) != attention) out.push_back(v.name);
  return out;
}

}  // namespace heed
