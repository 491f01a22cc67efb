#include "experiments/warnings/attention_dropout.h"

#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "core/layer.h"
#include "core/rng.h"

namespace heed {
namespace {

constexpr Index kTime = 8;
constexpr Index kMostParameters = 1 << 22;  // of the layer; drawing them takes 0.1 s

// Returns the output of an attention layer at its initial parameters. Embeddings and layer outputs are
// dropped outside of layers, so here dropout can only act on attention weights.
std::vector<double> output(Layer<double>& layer, std::vector<double> x, double dropout) {
  const Index dim = std::ssize(x) / kTime;
  std::vector<double> y(x.size());
  Step<double> step(1, false);
  step.dropout = {.p = dropout};
  const Seq<const double> in{x.data(), 1, kTime, dim};
  layer.forward(step, in, in, {y.data(), 1, kTime, dim});
  return y;
}

// Returns nullopt if the layer is too large, or refuses these sequences.
std::optional<bool> drops_weights(const VariantInfo& info, const Choice& attention,
                                  const TrialConfig& trial) {
  LayerSpec<double> spec;
  spec.dim = spec.context_dim = trial.model.dim;
  spec.heads = trial.model.heads;
  spec.layers = trial.model.layers;
  spec.length = kTime;
  spec.causality = {.causal = info.traits(attention.options).causal};
  spec.bias = trial.model.bias;
  try {
    Params<double> params;
    const auto layer = info.make<double>(attention.options, spec, params);
    if (params.size() > kMostParameters) return std::nullopt;
    params.freeze();
    params.initialize(0);
    std::vector<double> x(static_cast<std::size_t>(kTime * spec.dim));
    Draws draws = Rng(0, "attention dropout").at(0);
    for (double& value : x) value = draws.normal();
    return output(*layer, x, 0.5) != output(*layer, x, 0);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::vector<std::string> attention_dropout_warnings(const Sweep& sweep, const Registry& registry) {
  std::map<std::string, bool> known;
  std::vector<std::string> without;
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.train.dropout == 0 || !t.config.plugins.empty()) continue;
    for (const Choice& attention : t.config.attention) {
      if (!known.insert({attention.name, true}).second) continue;
      const VariantInfo& info = registry.variant(attention.name);
      if (!drops_weights(info, attention, t.config).value_or(true)) without.push_back(attention.name);
    }
  }
  if (without.empty()) return {};
  return {fmt::format("train.dropout drops no attention weights of {}: only embeddings and layer outputs.",
                      fmt::join(without, ", "))};
}

}  // namespace heed
