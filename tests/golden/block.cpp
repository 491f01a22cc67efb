// The pieces of a block, and a block of attention and MLP.
#include "tests/golden/block.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "core/ops/activation.h"
#include "core/ops/norm.h"
#include "tests/core/model/self_block.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

Config activation_of(const Case& c) {
  const std::string name = c.text("activation");
  if (name != "gelu_erf" && name != "gelu_tanh") throw Unknown("the activation '" + name + "'");
  return Config::scalar(name);
}

LayerSpec<double> spec_of(const Case& c, bool bias) {
  LayerSpec<double> spec;
  spec.dim = spec.context_dim = c.input("x").size(2);
  spec.length = c.input("x").size(1);
  spec.bias = bias;
  return spec;
}

}  // namespace

std::vector<Run> run_norm(const Case& c, const Registry&) {
  const bool layer = c.text("op") == "layer_norm";
  const NormSpec spec{layer ? NormKind::layer : NormKind::rms, c.number("eps"), c.params.contains("weight"),
                      c.params.contains("bias")};
  ParamNames names;
  if (spec.gain) names.push_back({"weight", "norm.gain"});
  if (spec.bias) names.push_back({"bias", "norm.bias"});
  const Index dim = c.input("x").cols();
  return {run_op(
      c, [&](Params<double>& params) { return Norm<double>("norm", dim, spec, params); }, names)};
}

std::vector<Run> run_activation(const Case& c, const Registry&) {
  const std::string op = c.text("op"), approximation = c.text_or_empty("approximation");
  const Activation f = op == "silu"              ? Activation::silu
                       : approximation == "tanh" ? Activation::gelu_tanh
                                                 : Activation::gelu_erf;
  if (op == "gelu" && approximation != "tanh" && approximation != "none")
    throw Unknown("the approximation '" + approximation + "'");
  require_shape("upstream", c.upstream_out(), c.input("x").shape);
  Tensor y = c.input("x"), dx = c.upstream_out();
  activate<double>(f, c.input("x").matrix(), y.matrix());
  activate_backward<double>(f, c.input("x").matrix(), dx.matrix());
  return {{"", {{"out", y}}, {{"x", dx}}}};
}

std::vector<Run> run_feed_forward(const Case& c, const Registry& registry) {
  const bool mlp = c.text("op") == "mlp";
  const VariantInfo& variant = find_variant(registry, c.text("op"));
  Given given = {{"width", Config::integer(c.param(mlp ? "W_1" : "W_up").size(1))}};
  if (mlp) given.emplace_back("activation", activation_of(c));
  const ParamNames names =
      mlp ? ParamNames{{"W_1", "in.weight"}, {"b_1", "in.bias"}, {"W_2", "out.weight"}, {"b_2", "out.bias"}}
          : ParamNames{{"W_gate", "gate.weight"}, {"W_up", "up.weight"}, {"W_down", "down.weight"}};
  const Config options = options_of(variant, given);
  const auto make = [&](Params<double>& params) {
    return SelfLayer{variant.make<double>(options, spec_of(c, mlp), params)};
  };
  return {run_op(c, make, names)};
}

Run run_block_of(const Case& c, const VariantInfo& variant, const Config& options, Index heads,
                 const ParamNames& variant_names, const Registry& registry) {
  const VariantInfo& mlp = find_variant(registry, "mlp");
  const std::string kind = c.text("norm");
  if (kind != "layer_norm" && kind != "rms_norm") throw Unknown("the norm '" + kind + "'");
  const NormSpec norm{kind == "layer_norm" ? NormKind::layer : NormKind::rms, c.number("eps"), true, true};
  LayerSpec<double> spec = spec_of(c, true);
  spec.heads = heads;
  spec.causality.causal = c.flag("causal");
  const Config feed_forward =
      options_of(mlp, {{"width", Config::integer(c.param("W_1").size(1))}, {"activation", activation_of(c)}});
  ParamNames names = {{"ln1_weight", "norm1.gain"},       {"ln1_bias", "norm1.bias"},
                      {"ln2_weight", "norm2.gain"},       {"ln2_bias", "norm2.bias"},
                      {"W_1", "feed_forward.in.weight"},  {"b_1", "feed_forward.in.bias"},
                      {"W_2", "feed_forward.out.weight"}, {"b_2", "feed_forward.out.bias"}};
  for (const ParamName& n : variant_names) names.push_back({n.golden, "attention." + n.heed});
  const auto make = [&](Params<double>& params) {
    const std::vector<SublayerSpec<double>> sublayers = {
        {"attention", [&] { return variant.make<double>(options, spec, params); }},
        {"feed_forward", [&] { return mlp.make<double>(feed_forward, spec, params); }}};
    return SelfBlock<double>(Block<double>(spec.dim, norm, sublayers, params));
  };
  return run_op(c, make, names);
}

std::vector<Run> run_block(const Case& c, const Registry& registry) {
  const VariantInfo& softmax = find_variant(registry, "softmax");
  std::vector<Run> runs;
  for (const auto& [options, text] : tile_choices(softmax, {{"scale", Config::number(c.number("scale"))}})) {
    runs.push_back(run_block_of(c, softmax, options, c.integer("heads"), projection_names(c), registry));
    runs.back().text = text;
  }
  return runs;
}

}  // namespace heed::golden
