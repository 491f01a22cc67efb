// Attention over parameter tokens, by itself and in a whole block.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tests/core/model/self_block.h"
#include "tests/golden/handlers.h"

namespace heed::golden {
namespace {

Given token_options(const Case& c) {
  return {{"mode", Config::scalar(c.text("mode"))},
          {"gelu", Config::scalar(c.text("gelu"))},
          {"eps", Config::number(c.number("eps"))}};
}

struct Tokens {
  Matrix<double> keys, values;
  double tau;
};

struct TokenResult {
  Matrix<double> y, dx, dkeys, dvalues;
};

// y = w(x K^T) V through the feed-forward layer, which maps a width to itself: where the widths in and out
// differ, zero columns are added to the narrower ones, which changes no score and no output.
TokenResult run_tokens(const Case& c, const VariantInfo& variant, const Tokens& tokens, const Tensor& dy) {
  const Tensor& x = c.input("x");
  const Index n = tokens.keys.rows(), in = tokens.keys.cols(), out = tokens.values.cols();
  LayerSpec<double> spec;
  spec.dim = spec.context_dim = std::max(in, out);
  Given given = token_options(c);
  given.emplace_back("tokens", Config::integer(n));
  Params<double> params;
  const auto layer = variant.make<double>(options_of(variant, given), spec, params);
  params.freeze();
  params.initialize(1);
  const Param<double> k = params.find("map.key_tokens"), v = params.find("map.value_tokens");
  k.value().setZero(), v.value().setZero();
  k.value().leftCols(in) = tokens.keys;
  v.value().leftCols(out) = tokens.values;
  params.find("map.tau").value()(0, 0) = tokens.tau;

  const auto wide = [&] { return Tensor::zeros({x.size(0), x.size(1), spec.dim}); };
  Tensor wide_x = wide(), wide_y = wide(), wide_dy = wide(), wide_dx = wide();
  wide_x.matrix().leftCols(in) = x.matrix();
  wide_dy.matrix().leftCols(out) = dy.matrix();
  Step<double> step;
  layer->forward(step, seq(wide_x), seq(wide_x), seq(wide_y));
  layer->backward(step, seq(wide_dy), seq(wide_dx), seq(wide_dx));
  return {wide_y.matrix().leftCols(out), wide_dx.matrix().leftCols(in), k.grad().leftCols(in),
          v.grad().leftCols(out)};
}

Tensor tensor(const Matrix<double>& m, const std::vector<Index>& shape) {
  return {shape, std::vector<double>(m.data(), m.data() + m.size())};
}

}  // namespace

std::vector<Run> run_pattention_map(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "pattention");
  const Tensor &x = c.input("x"), &keys = c.param("key_tokens"), &values = c.param("value_tokens");
  const Index n = keys.size(0);
  require_shape("key_tokens", keys, {n, x.size(2)});
  require_shape("value_tokens", values, {n, values.size(1)});
  require_shape("upstream", c.upstream_out(), {x.size(0), x.size(1), values.size(1)});
  if (c.integer("num_tokens") != n) throw Error("'num_tokens' is not the number of key tokens");
  const double tau = c.number("tau");
  const TokenResult all = run_tokens(c, variant, {keys.matrix(), values.matrix(), tau}, c.upstream_out());
  Run run;
  run.outputs["out"] = tensor(all.y, {x.size(0), x.size(1), values.size(1)});
  run.grads = {{"x", tensor(all.dx, x.shape)},
               {"key_tokens", tensor(all.dkeys, keys.shape)},
               {"value_tokens", tensor(all.dvalues, values.shape)}};
  // With the unit vectors as values the output is the weights.
  const Tensor zeros = Tensor::zeros({x.size(0), x.size(1), n});
  const Tokens units{keys.matrix(), Matrix<double>::Identity(n, n), tau};
  run.outputs["weights"] = tensor(run_tokens(c, variant, units, zeros).y, zeros.shape);
  if (c.attributes.contains("old_num_tokens")) {
    const Index old = require_index("old_num_tokens", c.number("old_num_tokens"), n + 1);
    const Tokens before{keys.matrix().topRows(old), values.matrix().topRows(old),
                        std::sqrt(static_cast<double>(old))};
    run.outputs["out_before_growth"] =
        tensor(run_tokens(c, variant, before, c.upstream_out()).y, run.outputs["out"].shape);
  }
  return {run};
}

// Every layer's tau is the root of its own number of tokens, where a new model starts.
std::vector<Run> run_pattention_block(const Case& c, const Registry& registry) {
  const VariantInfo &attention = find_variant(registry, "tokenformer"),
                    &map = find_variant(registry, "pattention");
  const Index dim = c.input("x").size(2);
  if (c.text("tau_rule") != "sqrt_of_token_count")
    throw Unknown("the rule for tau '" + c.text("tau_rule") + "'");
  LayerSpec<double> spec;
  spec.dim = spec.context_dim = dim;
  spec.heads = c.integer("heads");
  spec.length = c.input("x").size(1);
  spec.causality.causal = c.flag("causal");
  require_scale(c, dim / spec.heads);
  const auto tokens = [&](const char* key) { return Config::integer(c.param(key).size(0)); };
  Given given = token_options(c), feed_forward = given;
  given.emplace_back("tokens", tokens("q_key_tokens"));
  given.emplace_back("output_tokens", tokens("o_key_tokens"));
  feed_forward.emplace_back("tokens", tokens("ff_key_tokens"));
  const Config options = options_of(attention, given), ff_options = options_of(map, feed_forward);
  const NormSpec norm{NormKind::layer, c.number("ln_eps"), c.flag("ln_affine"), c.flag("ln_affine")};

  ParamNames names, attention_names;
  for (const auto& [golden, heed] : {std::pair("q", "attention.query"),
                                     {"k", "attention.key"},
                                     {"v", "attention.value"},
                                     {"o", "attention.output"},
                                     {"ff", "feed_forward.map"}})
    for (const char* kind : {"_key_tokens", "_value_tokens"})
      names.push_back({std::string(golden) + kind, std::string(heed) + '.' + (kind + 1)});
  const auto block = [&](Params<double>& params, bool whole) {
    const auto make = [&params, &spec](const VariantInfo& v, const Config& o) {
      return [&params, &spec, &v, &o] { return v.make<double>(o, spec, params); };
    };
    std::vector<SublayerSpec<double>> sublayers = {{"attention", make(attention, options)}};
    if (whole) sublayers.push_back({"feed_forward", make(map, ff_options)});
    return SelfBlock<double>(Block<double>(dim, norm, sublayers, params));
  };
  Run run = run_op(
      c, [&](Params<double>& params) { return block(params, true); }, names);

  Case half = c;
  half.params.erase("ff_key_tokens");
  half.params.erase("ff_value_tokens");
  names.resize(8);
  run.outputs["after_attention"] =
      run_op(
          half, [&](Params<double>& params) { return block(params, false); }, names)
          .outputs["out"];
  return {run};
}

}  // namespace heed::golden
