// Differential attention.
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// The rows of A1 - lambda A2 sum to 1 - lambda.
Tensor lambda_of(const Tensor& weights) {
  Tensor out = Tensor::zeros({1});
  out.values[0] = 1 - weights.matrix().row(0).sum();
  return out;
}

Given differential_options(const Case& c) {
  return {{"eps", Config::number(c.number("eps"))}, {"gain", Config::boolean(c.flag("affine"))}};
}

ParamNames differential_names(const Case& c) {
  ParamNames out = {{"lambda_q1", "lambda_q1"},
                    {"lambda_k1", "lambda_k1"},
                    {"lambda_q2", "lambda_q2"},
                    {"lambda_k2", "lambda_k2"}};
  if (c.flag("affine")) out.push_back({"subln_weight", "gain"});
  return out;
}

}  // namespace

std::vector<Run> run_differential_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "differential");
  require_scale(c, c.input("q").size(3));
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, differential_options(c))) {
    LayerSpec<double> spec = kernel_spec(c, c.input("v").size(1) * c.input("v").size(3),
                                         c.input("k").size(2) - c.input("q").size(2));
    spec.depth = c.integer("depth");
    Run& run = runs.emplace_back(run_kernel(
        c, {.variant = variant, .options = options, .spec = spec, .names = differential_names(c)}));
    run.text = name;
    run.outputs["lambda"] = lambda_of(run.outputs["weights"]);
    run.outputs["pre_norm"] = weighted_values(run.outputs["weights"], c.input("v"));
  }
  return runs;
}

std::vector<Run> run_differential_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "differential");
  require_scale(c, c.integer("head_dim"));
  ParamNames names = projection_names(c);
  for (const ParamName& name : differential_names(c)) names.push_back(name);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, differential_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.depth = c.integer("depth");
    spec.bias = false;
    LayerSetting setting{.variant = variant, .options = options, .spec = spec, .names = names};
    set_rope(c, registry, setting);
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["lambda"] = lambda_of(run.outputs["weights"]);
  }
  return runs;
}

}  // namespace heed::golden
