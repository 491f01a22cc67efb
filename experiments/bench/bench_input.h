// What measurements of layers and mixers begin with.
#pragma once

#include <string_view>
#include <vector>

#include "core/layer.h"
#include "core/rng.h"

namespace heed {

struct AttentionShape {
  Index batch = 8, heads = 4, width = 32, length = 512;
  bool causal = true;
};

inline LayerSpec<float> layer_spec(const AttentionShape& shape) {
  const Index dim = shape.heads * shape.width;
  return {.dim = dim,
          .context_dim = dim,
          .heads = shape.heads,
          .length = shape.length,
          .causality = {shape.causal, {}}};
}

inline std::vector<float> normal_numbers(Index n, std::string_view name) {
  std::vector<float> out(static_cast<std::size_t>(n));
  Draws draws = Rng(1, name).at(0);
  for (float& x : out) x = static_cast<float>(draws.normal());
  return out;
}

}  // namespace heed
