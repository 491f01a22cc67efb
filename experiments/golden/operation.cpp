// The pieces of a block, the block itself, the loss and the optimizer.
#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/model/block.h"
#include "core/model/optimizer.h"
#include "core/ops/activation.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/norm.h"
#include "experiments/golden/run.h"

namespace heed::golden {
namespace {

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

std::vector<Run> run_block(const Case& c, const Registry& registry) {
  const VariantInfo &softmax = find_variant(registry, "softmax"), &mlp = find_variant(registry, "mlp");
  const std::string kind = c.text("norm");
  if (kind != "layer_norm" && kind != "rms_norm") throw Unknown("the norm '" + kind + "'");
  const NormSpec norm{kind == "layer_norm" ? NormKind::layer : NormKind::rms, c.number("eps"), true, true};
  LayerSpec<double> spec = spec_of(c, true);
  spec.heads = c.integer("heads");
  spec.causality.causal = c.flag("causal");
  const Config feed_forward =
      options_of(mlp, {{"width", Config::integer(c.param("W_1").size(1))}, {"activation", activation_of(c)}});
  const ParamNames names = {{"ln1_weight", "norm1.gain"},       {"ln1_bias", "norm1.bias"},
                            {"ln2_weight", "norm2.gain"},       {"ln2_bias", "norm2.bias"},
                            {"W_q", "attention.query.weight"},  {"b_q", "attention.query.bias"},
                            {"W_k", "attention.key.weight"},    {"b_k", "attention.key.bias"},
                            {"W_v", "attention.value.weight"},  {"b_v", "attention.value.bias"},
                            {"W_o", "attention.output.weight"}, {"b_o", "attention.output.bias"},
                            {"W_1", "feed_forward.in.weight"},  {"b_1", "feed_forward.in.bias"},
                            {"W_2", "feed_forward.out.weight"}, {"b_2", "feed_forward.out.bias"}};
  std::vector<Run> runs;
  for (const auto& choice : tile_choices(softmax, {{"scale", Config::number(c.number("scale"))}})) {
    const auto make = [&](Params<double>& params) {
      return Block<double>(
          spec.dim, norm, [&] { return softmax.make<double>(choice.first, spec, params); },
          [&] { return mlp.make<double>(feed_forward, spec, params); }, params);
    };
    runs.push_back(run_op(c, make, names));
    runs.back().text = choice.second;
  }
  return runs;
}

std::vector<Run> run_cross_entropy(const Case& c, const Registry&) {
  if (c.integer("ignore_index") != kUnscored) throw Unknown("another ignore_index");
  if (c.text("reduction") != "mean") throw Unknown("the reduction '" + c.text("reduction") + "'");
  const Tensor& logits = c.input("logits");
  std::vector<Token> labels;
  require_shape("targets", c.constant("targets"), {logits.size(0)});
  for (const double t : c.constant("targets").values)
    labels.push_back(t == kUnscored ? kUnscored
                                    : static_cast<Token>(require_index("targets", t, logits.size(1))));
  const auto scored = std::ranges::count_if(labels, [](Token t) { return t != kUnscored; });

  Step<double> step;
  Tensor z = logits, out = Tensor::zeros({1}), per_row = Tensor::zeros({logits.rows()});
  const double upstream = c.upstream_out().values.at(0);
  const Score score = cross_entropy<double>(step, z.matrix(), labels, upstream / static_cast<double>(scored));
  out.values[0] = score.mean_loss();
  Tensor again = logits;
  for (std::size_t i = 0; i < labels.size(); ++i)
    per_row.values[i] =
        cross_entropy<double>(step, mat(again.matrix().row(static_cast<Index>(i)).data(), 1, logits.cols()),
                              std::span<const Token>(labels).subspan(i, 1), 0.0)
            .loss;
  return {{"", {{"out", out}, {"per_row", per_row}}, {{"logits", z}}}};
}

std::vector<Run> run_adamw(const Case& c, const Registry&) {
  const Tensor &grads = c.input("grads_per_step"), &wanted = c.output("params_per_step");
  require_shape("params_per_step", wanted, {grads.size(0) + 1, grads.size(1)});
  Params<double> params;
  const Param<double> p = params.declare("p", 1, grads.cols(), Init::zeros(), Role::decayed);
  params.freeze();
  p.value() = wanted.matrix().topRows(1);
  AdamW<double> optimizer(params, {.beta1 = c.number("beta1"),
                                   .beta2 = c.number("beta2"),
                                   .eps = c.number("eps"),
                                   .weight_decay = c.number("weight_decay")});
  Step<double> step;
  Tensor path = Tensor::zeros(wanted.shape);
  path.matrix().row(0) = p.value().row(0);
  for (Index t = 0; t < grads.rows(); ++t) {
    p.grad() = grads.matrix().middleRows(t, 1);
    optimizer.update(step, c.number("lr"));
    path.matrix().row(t + 1) = p.value().row(0);
  }
  const auto moment = [&](std::span<const double> m) {
    return Tensor{{grads.cols()}, std::vector<double>(m.begin(), m.begin() + grads.cols())};
  };
  return {{"",
           {{"params_per_step", path},
            {"exp_avg", moment(optimizer.first_moment())},
            {"exp_avg_sq", moment(optimizer.second_moment())}},
           {}}};
}

std::vector<Run> run_clip(const Case& c, const Registry&) {
  Params<double> params;
  std::map<std::string, Param<double>> handles;
  for (const auto& [name, t] : c.inputs)
    handles[name] = params.declare(name, t.rows(), t.cols(), Init::zeros(), Role::decayed);
  params.freeze();
  for (const auto& [name, t] : c.inputs) handles[name].grad() = t.matrix();
  Step<double> step;
  const double norm = gradient_norm(step, params);
  clip_gradients(params, norm, c.number("max_norm"));
  Run run{"", {{"total_norm", Tensor{{1}, {norm}}}}, {}};
  for (const auto& [name, t] : c.inputs) {
    run.outputs[name] = Tensor::zeros(t.shape);
    run.outputs[name].matrix() = handles[name].grad();
  }
  return {run};
}

std::vector<Run> run_schedule(const Case& c, const Registry&) {
  Tensor lr = Tensor::zeros(c.output("lr").shape);
  for (std::size_t s = 0; s < lr.values.size(); ++s)
    lr.values[s] = warmup_cosine(static_cast<Index>(s), c.integer("warmup_steps"), c.integer("total_steps"),
                                 c.number("peak"), c.number("floor"));
  return {{"", {{"lr", lr}}, {}}};
}

}  // namespace

std::vector<Run> run_operation(const Case& c, const Registry& registry) {
  using Runner = std::vector<Run> (*)(const Case&, const Registry&);
  static constexpr std::pair<const char*, Runner> kRunners[] = {
      {"layer_norm", run_norm},       {"rms_norm", run_norm},
      {"gelu", run_activation},       {"silu", run_activation},
      {"mlp", run_feed_forward},      {"swiglu", run_feed_forward},
      {"block", run_block},           {"cross_entropy", run_cross_entropy},
      {"adamw", run_adamw},           {"clip_grad_norm", run_clip},
      {"warmup_cosine", run_schedule}};
  const std::string op = c.text("op");
  for (const auto& [name, run] : kRunners)
    if (op == name) return run(c, registry);
  throw Unknown("the operation '" + op + "'");
}

}  // namespace heed::golden
