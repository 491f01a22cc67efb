// Differential attention, second version.
#include <string>
#include <utility>

#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// The rows of A1 - lambda A2 sum to 1 - lambda.    Requires: every query sees a key.
Tensor lambda_of(const Tensor& weights) {
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), weights.size(2)});
  for (Index r = 0; r < weights.rows(); ++r)
    out.values[static_cast<std::size_t>(r)] = 1 - weights.matrix().row(r).sum();
  return out;
}

Given options_for(Index key_width, Index value_width, Index key_heads) {
  return {{"key_width", Config::integer(key_width)},
          {"value_width", Config::integer(value_width)},
          {"key_heads", Config::integer(key_heads)}};
}

// Moves a tensor to another name.
void rename(Tensors& tensors, const std::string& from, const std::string& to) {
  auto node = tensors.extract(from);
  if (node.empty()) throw Error("'" + from + "' is missing");
  node.key() = to;
  tensors.insert(std::move(node));
}

}  // namespace

std::vector<Run> run_differential_v2_kernel(const Case& given, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "differential_v2");
  Case c = given;
  rename(c.inputs, "lambda_logit", "lambda");
  const Tensor &q = c.input("q"), &v = c.input("v");
  require_scale(c, q.size(3));
  const bool empty_rows = c.flag("causal") && c.integer("causal_offset") < 0;
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, options_for(q.size(3), v.size(3), v.size(1)))) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), 0);
    Run& run = runs.emplace_back(run_kernel(c, {.variant = variant, .options = options, .spec = spec}));
    run.text = name;
    rename(run.grads, "lambda", "lambda_logit");
    if (!empty_rows) run.outputs["lambda"] = lambda_of(run.outputs["weights"]);
  }
  return runs;
}

std::vector<Run> run_differential_v2_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "differential_v2");
  const Index width = c.integer("head_dim");
  require_scale(c, width);
  ParamNames names = projection_names(c);
  names.push_back({"W_lambda", "lambda.weight"});
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, options_for(width, width, key_heads(c)))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.flag("bias");
    LayerSetting setting{.variant = variant, .options = options, .spec = spec, .names = names};
    set_rope(c, registry, setting);
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["lambda"] = lambda_of(run.outputs["weights"]);
    run.outputs["heads_out"] = heads_out(c, run.outputs["weights"]);
  }
  return runs;
}

}  // namespace heed::golden
