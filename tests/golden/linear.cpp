// Linear attention.
#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

// Linear attention: p = f(q).f(k) / (z + eps), so any pair with p > 0 gives z; the largest p loses least.
Tensor denominator(const Case& c, const Tensor& weights, double eps) {
  const auto feature = [](const Tensor& t) -> Matrix<double> {
    return t.matrix().array().max(0) + t.matrix().array().min(0).exp();
  };
  const Matrix<double> fq = feature(c.input("q")), fk = feature(c.input("k"));
  const Index tq = weights.size(2), tk = weights.size(3);
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), tq});
  for (Index r = 0; r < weights.rows(); ++r) {
    Index j = 0;
    const double p = weights.matrix().row(r).maxCoeff(&j);
    out.values[static_cast<std::size_t>(r)] = fq.row(r).dot(fk.row(r / tq * tk + j)) / p - eps;
  }
  return out;
}

Given linear_options(const Case& c) {
  if (c.text("feature_map") != "elu_plus_one")
    throw Unknown("the feature map '" + c.text("feature_map") + "'");
  if (c.number("scale") != 1) throw Error("linear attention has no scale");
  return {{"eps", Config::number(c.number("eps"))}};
}

}  // namespace

std::vector<Run> run_linear_kernel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "linear");
  const Tensor& q = c.input("q");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, linear_options(c))) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), 0);
    Run& run = runs.emplace_back(run_kernel(c, {.variant = variant, .options = options, .spec = spec}));
    run.text = name;
    run.outputs["denominator_without_eps"] = denominator(c, run.outputs["weights"], c.number("eps"));
  }
  return runs;
}

std::vector<Run> run_linear_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "linear");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, linear_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.params.contains("b_q");
    Run& run = runs.emplace_back(
        run_layer(c, {.variant = variant, .options = options, .spec = spec, .names = projection_names(c)}));
    run.text = name;
  }
  return runs;
}

}  // namespace heed::golden
