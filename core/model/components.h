#pragma once

#include <string>
#include <vector>

#include "core/params.h"

namespace heed {

// Trainable numbers of a part of a model. Biases, norms and positions are separate, because papers count only
// matrices.
struct ComponentCount {
  std::string component;  // attention, feed-forward, embedding, head, biases, norms, positions
  Index parameters = 0;
};
template <class S>
std::vector<ComponentCount> count_components(const Params<S>& params);

}  // namespace heed
