#include "core/model/components.h"

namespace heed {

template <class S>
std::vector<ComponentCount> count_components(const Params<S>& params) {
  // In the order of the enumeration.
  std::vector<ComponentCount> out = {{"attention"}, {"feed-forward"}, {"embedding"}, {"head"},
                                     {"biases"},    {"norms"},        {"positions"}};
  for (const ParamInfo& p : params.infos())
    if (p.role != Role::fixed) out[static_cast<std::size_t>(p.component)].parameters += p.rows * p.cols;
  return out;
}

template std::vector<ComponentCount> count_components(const Params<float>&);
template std::vector<ComponentCount> count_components(const Params<double>&);

}  // namespace heed
