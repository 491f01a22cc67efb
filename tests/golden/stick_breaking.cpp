// Stick-breaking attention.
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

Given stick_options(const Case& c) {
  return {{"attend_current", Config::boolean(c.flag("attend_current"))},
          {"remainder", Config::scalar(c.text("remainder"))}};
}

// What the weights of a row leave of 1.
Tensor remainder_of(const Tensor& weights) {
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), weights.size(2)});
  for (Index r = 0; r < weights.rows(); ++r)
    out.values[static_cast<std::size_t>(r)] = 1 - weights.matrix().row(r).sum();
  return out;
}

}  // namespace

std::vector<Run> run_stick_breaking_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "stick_breaking");
  const Tensor& v = c.input("v");
  require_scale(c, c.input("q").size(3));
  const ParamNames names =
      c.params.contains("head_bias") ? ParamNames{{"head_bias", "head_bias"}} : ParamNames{};
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, stick_options(c))) {
    const LayerSpec<double> spec = kernel_spec(c, v.size(1) * v.size(3), 0);
    Run& run = runs.emplace_back(
        run_kernel(c, {.variant = variant, .options = options, .spec = spec, .names = names}));
    run.text = name;
    run.outputs["remainder"] = remainder_of(run.outputs["weights"]);
  }
  return runs;
}

std::vector<Run> run_stick_breaking_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "stick_breaking");
  require_scale(c, c.input("x").size(2) / c.integer("heads"));
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, stick_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.flag("bias");
    const LayerSetting setting{
        .variant = variant, .options = options, .spec = spec, .names = projection_names(c)};
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["remainder"] = remainder_of(run.outputs["weights"]);
  }
  return runs;
}

}  // namespace heed::golden
