#include "core/model/components.h"

namespace heed {
namespace {

// Place in the list below.
std::size_t component_of(std::string name) {
  if (name.starts_with("encoder.")) name.erase(0, 8);
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  if (has("norm1.") || has("norm2.") || has("norm3.") || name.starts_with("norm.")) return 5;
  if (name.starts_with("positions.")) return 6;
  if (name.ends_with(".bias")) return 4;
  if (name.starts_with("embedding") || name == "class_token") return 2;
  if (name == "head") return 3;
  return has(".feed_forward.") ? 1 : 0;
}

}  // namespace

template <class S>
std::vector<ComponentCount> count_components(const Params<S>& params) {
  std::vector<ComponentCount> out = {{"attention"}, {"feed-forward"}, {"embedding"}, {"head"},
                                     {"biases"},    {"norms"},        {"positions"}};
  for (const ParamInfo& p : params.infos())
    if (p.role != Role::fixed) out[component_of(p.name)].parameters += p.rows * p.cols;
  return out;
}

template std::vector<ComponentCount> count_components(const Params<float>&);
template std::vector<ComponentCount> count_components(const Params<double>&);

}  // namespace heed
