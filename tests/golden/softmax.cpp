// Softmax attention: the kernel, and the layer with its projections.
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

Index key_heads(const Case& c) { return c.integer(c.attributes.contains("kv_heads") ? "kv_heads" : "heads"); }

// What comes out of the heads, before W_o: weights times (context W_v + b_v).
Tensor heads_out(const Case& c, const Tensor& weights) {
  const Tensor& context = c.inputs.contains("context") ? c.input("context") : c.input("x");
  const Tensor& w = c.param("W_v");
  Tensor v = Tensor::zeros({context.size(0), context.size(1), w.size(1)});
  v.matrix() = context.matrix() * w.matrix();
  if (c.params.contains("b_v")) v.matrix().rowwise() += c.param("b_v").matrix().row(0);
  return heads_as_columns(weighted_values(weights, columns_as_heads(v, key_heads(c))));
}

}  // namespace

std::vector<Run> run_softmax_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "softmax");
  const Tensor &q = c.input("q"), &v = c.input("v");
  const double scale = c.number("scale");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, {{"scale", Config::number(scale)},
                                                            {"key_width", Config::integer(q.size(3))},
                                                            {"value_width", Config::integer(v.size(3))},
                                                            {"key_heads", Config::integer(v.size(1))}})) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), c.input("k").size(2) - q.size(2));
    Run& run = runs.emplace_back(
        run_kernel(c, {.variant = variant, .options = options, .spec = spec, .scale = scale}));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
  }
  return runs;
}

std::vector<Run> run_softmax_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "softmax");
  const Given given = {{"scale", Config::number(c.number("scale"))},
                       {"key_width", Config::integer(c.integer("d_k"))},
                       {"value_width", Config::integer(c.integer("d_v"))},
                       {"key_heads", Config::integer(key_heads(c))}};
  const bool factorized = c.params.contains("W_vdown");
  // One matrix for each head: those of values, down then up, are heed's value and output maps.
  const ParamNames names = factorized ? ParamNames{{"W_q", "query.weight", true},
                                                   {"W_k", "key.weight", true},
                                                   {"W_vdown", "value.weight", true},
                                                   {"W_vup", "output.weight"}}
                                      : projection_names(c);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, given)) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.params.contains("b_q");
    LayerSetting setting{.variant = variant, .options = options, .spec = spec, .names = names};
    set_rope(c, registry, setting);
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
    if (!factorized) run.outputs["heads_out"] = heads_out(c, run.outputs["weights"]);
  }
  return runs;
}

}  // namespace heed::golden
