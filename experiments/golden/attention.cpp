// Softmax, linear and differential attention: kernels and whole layers.
#include <cmath>

#include "core/error.h"
#include "experiments/golden/run.h"

namespace heed::golden {
namespace {

// weights (B,H,Tq,Tk) times v (B,H,Tk,d)
Tensor weighted_values(const Tensor& weights, const Tensor& v) {
  const Index tq = weights.size(2), tk = weights.size(3);
  Tensor out = Tensor::zeros({v.size(0), v.size(1), tq, v.size(3)});
  for (Index i = 0; i < v.size(0) * v.size(1); ++i)
    out.matrix().middleRows(i * tq, tq) =
        weights.matrix().middleRows(i * tq, tq) * v.matrix().middleRows(i * tk, tk);
  return out;
}

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

ParamNames projection_names(const Case& c) {
  ParamNames out = {
      {"W_q", "query.weight"}, {"W_k", "key.weight"}, {"W_v", "value.weight"}, {"W_o", "output.weight"}};
  if (c.params.contains("b_q"))
    for (const auto& [golden, heed] :
         {std::pair("b_q", "query.bias"), {"b_k", "key.bias"}, {"b_v", "value.bias"}, {"b_o", "output.bias"}})
      out.push_back({golden, heed});
  return out;
}

std::vector<Run> run_softmax_kernel(const Case& c, const VariantInfo& variant) {
  const Tensor &q = c.input("q"), &v = c.input("v");
  const double scale = c.number("scale");
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, {{"scale", Config::number(scale)},
                                                            {"key_width", Config::integer(q.size(3))},
                                                            {"value_width", Config::integer(v.size(3))}})) {
    const LayerSpec<double> spec = kernel_spec(c, q.size(1) * q.size(3), c.input("k").size(2) - q.size(2));
    Run& run = runs.emplace_back(
        run_kernel(c, {.variant = variant, .options = options, .spec = spec, .scale = scale}));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
  }
  return runs;
}

Given linear_options(const Case& c) {
  if (c.text("feature_map") != "elu_plus_one")
    throw Unknown("the feature map '" + c.text("feature_map") + "'");
  if (c.number("scale") != 1) throw Error("linear attention has no scale");
  return {{"eps", Config::number(c.number("eps"))}};
}

std::vector<Run> run_linear_kernel(const Case& c, const VariantInfo& variant) {
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

std::vector<Run> run_differential_kernel(const Case& c, const VariantInfo& variant) {
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

// A layer on x and, where the case has one, a context.
Run run_layer(const Case& c, const VariantInfo& variant, const Config& options, LayerSpec<double> spec,
              const ParamNames& names, const PositionInfo* position, const Given& position_options) {
  const Tensor& x = c.input("x");
  const Tensor& context = c.inputs.contains("context") ? c.input("context") : x;
  require_shape("context", context, {x.size(0), context.size(1), context.size(2)});
  require_shape("upstream", c.upstream_out(), {x.size(0), x.size(1), x.size(2)});
  spec.dim = x.size(2), spec.context_dim = context.size(2);
  spec.length = std::max(x.size(1), context.size(1));
  spec.causality.causal = c.flag("causal");
  Params<double> params;
  std::unique_ptr<Position<double>> where;
  if (position)
    where = position->make<double>(options_of(*position, position_options),
                                   {spec.dim, spec.heads, spec.length}, params);
  spec.position = where.get();
  const auto layer = variant.make<double>(options, spec, params);
  params.freeze();
  params.initialize(1);
  load(c, names, params);

  Tensor y = Tensor::zeros(x.shape), dx = Tensor::zeros(x.shape), dcontext = Tensor::zeros(context.shape);
  const bool cross = &context != &x;
  Step<double> step;
  layer->forward(step, seq(x), seq(context), seq(y));
  const Index heads = layer->weight_heads(), tq = x.size(1), tk = context.size(1);
  Tensor weights = Tensor::zeros({x.size(0), heads, tq, tk});
  for (Index i = 0; i < x.size(0) * heads; ++i)
    layer->weights(step, i / heads, i % heads, mat(weights.values.data() + i * tq * tk, tq, tk));
  layer->backward(step, seq(c.upstream_out()), seq(dx), cross ? seq(dcontext) : seq(dx));
  Run run{"", {{"out", y}, {"weights", weights}}, {{"x", dx}}};
  if (cross) run.grads["context"] = dcontext;
  store_grads(c, names, params, run);
  return run;
}

// What comes out of the heads, before W_o: weights times (context W_v + b_v).
Tensor heads_out(const Case& c, const Tensor& weights) {
  const Tensor& context = c.inputs.contains("context") ? c.input("context") : c.input("x");
  const Tensor& w = c.param("W_v");
  Tensor v = Tensor::zeros({context.size(0), context.size(1), w.size(1)});
  v.matrix() = context.matrix() * w.matrix();
  if (c.params.contains("b_v")) v.matrix().rowwise() += c.param("b_v").matrix().row(0);
  return heads_as_columns(weighted_values(weights, columns_as_heads(v, weights.size(1))));
}

std::vector<Run> run_softmax_layer(const Case& c, const VariantInfo& variant) {
  const Given given = {{"scale", Config::number(c.number("scale"))},
                       {"key_width", Config::integer(c.integer("d_k"))},
                       {"value_width", Config::integer(c.integer("d_v"))}};
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
    Run& run = runs.emplace_back(run_layer(c, variant, options, spec, names, nullptr, {}));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
    if (!factorized) run.outputs["heads_out"] = heads_out(c, run.outputs["weights"]);
  }
  return runs;
}

std::vector<Run> run_linear_layer(const Case& c, const VariantInfo& variant) {
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, linear_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.bias = c.params.contains("b_q");
    runs.emplace_back(run_layer(c, variant, options, spec, projection_names(c), nullptr, {})).text = name;
  }
  return runs;
}

std::vector<Run> run_differential_layer(const Case& c, const VariantInfo& variant, const Registry& registry) {
  const std::string rope = c.text("rope");
  const PositionInfo* position = rope == "none" ? nullptr : &registry.position("rope");
  const Given turned = {{"layout", Config::scalar(rope)}, {"base", Config::number(c.number("rope_base"))}};
  require_scale(c, c.integer("head_dim"));
  ParamNames names = projection_names(c);
  for (const ParamName& name : differential_names(c)) names.push_back(name);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, differential_options(c))) {
    LayerSpec<double> spec;
    spec.heads = c.integer("heads");
    spec.depth = c.integer("depth");
    spec.bias = false;
    Run& run = runs.emplace_back(run_layer(c, variant, options, spec, names, position, turned));
    run.text = name;
    run.outputs["lambda"] = lambda_of(run.outputs["weights"]);
  }
  return runs;
}

}  // namespace

std::vector<Run> run_attention(const Case& c, const Registry& registry) {
  const std::string variant = c.text("variant"), level = c.text("level");
  const VariantInfo& info = find_variant(registry, variant);
  if (level != "kernel" && level != "layer") throw Unknown("the level '" + level + "'");
  const bool kernel = level == "kernel";
  if (variant == "softmax") return kernel ? run_softmax_kernel(c, info) : run_softmax_layer(c, info);
  if (variant == "linear") return kernel ? run_linear_kernel(c, info) : run_linear_layer(c, info);
  return kernel ? run_differential_kernel(c, info) : run_differential_layer(c, info, registry);
}

}  // namespace heed::golden
