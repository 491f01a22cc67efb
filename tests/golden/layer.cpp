#include "tests/golden/layer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "tests/golden/kernel.h"

namespace heed::golden {

ParamNames projection_names(const Case& c) {
  ParamNames out = {
      {"W_q", "query.weight"}, {"W_k", "key.weight"}, {"W_v", "value.weight"}, {"W_o", "output.weight"}};
  if (c.params.contains("b_q"))
    for (const auto& [golden, heed] :
         {std::pair("b_q", "query.bias"), {"b_k", "key.bias"}, {"b_v", "value.bias"}, {"b_o", "output.bias"}})
      out.push_back({golden, heed});
  return out;
}

void set_rope(const Case& c, const Registry& registry, LayerSetting& setting) {
  const std::string layout = c.text_or_empty("rope");
  if (layout.empty() || layout == "none") return;
  setting.position = &registry.position("rope");
  setting.position_options = {{"layout", Config::scalar(layout)},
                              {"base", Config::number(c.number("rope_base"))}};
}

Index key_heads(const Case& c) { return c.integer(c.attributes.contains("kv_heads") ? "kv_heads" : "heads"); }

Tensor heads_out(const Case& c, const Tensor& weights) {
  const Tensor& context = c.inputs.contains("context") ? c.input("context") : c.input("x");
  const Tensor& w = c.param("W_v");
  Tensor v = Tensor::zeros({context.size(0), context.size(1), w.size(1)});
  v.matrix() = context.matrix() * w.matrix();
  if (c.params.contains("b_v")) v.matrix().rowwise() += c.param("b_v").matrix().row(0);
  return heads_as_columns(weighted_values(weights, columns_as_heads(v, key_heads(c))));
}

Run run_layer(const Case& c, LayerSetting setting) {
  LayerSpec<double>& spec = setting.spec;
  const Tensor& x = c.input("x");
  const Tensor& context = c.inputs.contains("context") ? c.input("context") : x;
  require_shape("context", context, {x.size(0), context.size(1), context.size(2)});
  require_shape("upstream", c.upstream_out(), {x.size(0), x.size(1), x.size(2)});
  spec.dim = x.size(2), spec.context_dim = context.size(2);
  spec.length = std::max(x.size(1), context.size(1));
  spec.causality.causal = c.flag("causal");
  Params<double> params;
  std::unique_ptr<Position<double>> where;
  if (setting.position)
    where = setting.position->make<double>(options_of(*setting.position, setting.position_options),
                                           {spec.dim, spec.heads, spec.length}, params);
  spec.position = where.get();
  const auto layer = setting.variant.make<double>(setting.options, spec, params);
  params.freeze();
  params.initialize(1);
  const ParamNames names = setting.names ? *setting.names : heed_names(c, params);
  load(c, names, params);
  if (!setting.names) load_fixed(c, params);

  Tensor y = Tensor::zeros(x.shape), dx = Tensor::zeros(x.shape), dcontext = Tensor::zeros(context.shape);
  const bool cross = &context != &x;
  Step<double> step;
  layer->forward(step, seq(x), seq(context), seq(y));
  const Index heads = layer->weight_heads(), tq = x.size(1), tk = context.size(1);
  Tensor weights = Tensor::zeros({x.size(0), heads, tq, tk});
  for (Index i = 0; i < x.size(0) * heads; ++i)
    layer->weights(step, i / heads, i % heads, mat(weights.values.data() + i * tq * tk, tq, tk));
  layer->backward(step, seq(c.upstream_out()), seq(dx), cross ? seq(dcontext) : seq(dx));
  Run run{"", {{"out", y}}, {{"x", dx}}};
  if (heads > 0) run.outputs["weights"] = weights;
  if (cross) run.grads["context"] = dcontext;
  store_grads(c, names, params, run);
  return run;
}

}  // namespace heed::golden
