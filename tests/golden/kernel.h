// Runs the kernel of a mixer, without projections, on a case that gives q, k and v.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "tests/golden/run.h"

namespace heed::golden {

struct KernelSetting {
  const VariantInfo& variant;
  Config options;
  LayerSpec<double> spec = {};
  double scale = 0;                                   // of the scores, to get lse from the weights; 0: no lse
  double cap = 0;                                     // soft cap of the scores, likewise; 0: none
  std::vector<double> sinks = {};                     // of each head, likewise; empty: none
  std::optional<ParamNames> names = ParamNames();     // of the kernel; nullopt: the case uses heed's own
  std::function<void(Params<double>&)> prepare = {};  // sets what is no parameter of the case
};

// Returns outputs out, weights (batch, heads, query time, key time) where the kernel shows them, and lse; and
// all gradients.
Run run_kernel(const Case& c, const KernelSetting& setting);

// Returns the spec for the shapes, heads and causality of the case; `dim` is the width of the model.
LayerSpec<double> kernel_spec(const Case& c, Index dim, Index default_offset);

// Returns weights (batch, heads, query time, key time) times v (batch, key heads, key time, channels).
Tensor weighted_values(const Tensor& weights, const Tensor& v);

}  // namespace heed::golden
