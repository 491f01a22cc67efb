// Runs a whole layer, projections included, on a case that gives x and perhaps a context.
#pragma once

#include <optional>

#include "core/position.h"
#include "tests/golden/run.h"

namespace heed::golden {

struct LayerSetting {
  const VariantInfo& variant;
  Config options;
  LayerSpec<double> spec = {};                     // widths, length and causality are taken from the case
  std::optional<ParamNames> names = ParamNames();  // nullopt: the case uses heed's own
  const PositionInfo* position = nullptr;          // rotates queries and keys; null: none
  Given position_options = {};
};

// Returns outputs out and weights (batch, heads, query time, key time), and all gradients.
Run run_layer(const Case& c, LayerSetting setting);

// Chooses the rotary position that the case names; none where it names none.
void set_rope(const Case& c, const Registry& registry, LayerSetting& setting);

// Returns the names of W_q, W_k, W_v, W_o, and of their biases where the case has them.
ParamNames projection_names(const Case& c);

// Returns the heads of keys of the case: kv_heads, or as many as heads.
Index key_heads(const Case& c);

// Returns what comes out of the heads before W_o: weights (batch, heads, query time, key time) times
// (context W_v + b_v).
Tensor heads_out(const Case& c, const Tensor& weights);

}  // namespace heed::golden
