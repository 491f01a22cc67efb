// Mamba-2: one head's state-space recurrence, and the whole layer.
#include "variants/parts/ssd_head.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

Run run_heads(const Case& c, Index chunk) {
  const Tensor &x = c.input("x"), &dt = c.input("dt"), &b = c.input("B"), &state = c.input("C");
  const Index batch = x.size(0), heads = x.size(1), time = x.size(2), groups = b.size(1);
  require_shape("dt", dt, {batch, heads, time});
  require_shape("B", b, {batch, groups, time, b.size(3)});
  require_shape("C", state, b.shape);
  require_shape("A_log", c.param("A_log"), {heads});
  require_shape("D", c.param("D"), {heads});
  Run run{fmt::format("chunk {}", chunk), {{"out", Tensor::zeros(x.shape)}}, {}};
  for (const auto& [name, t] : c.inputs) run.grads[name] = Tensor::zeros(t.shape);
  for (const auto& [name, t] : c.params) run.grads[name] = Tensor::zeros(t.shape);
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index i = 0; i < batch * heads; ++i) {
    const Index g = i / heads * groups + i % heads / (heads / groups);
    const auto rows = [&](const Tensor& t, Index at) { return row_block(t.matrix(), at * time, time); };
    const auto grad = [&](const char* name, Index at) {
      return row_block(run.grads[name].matrix(), at * time, time);
    };
    const auto number = [&](const char* name) {
      return c.param(name).values[static_cast<std::size_t>(i % heads)];
    };
    const auto dnumber = [&](const char* name) {
      return &run.grads[name].values[static_cast<std::size_t>(i % heads)];
    };
    const SsdHead<double> head{rows(x, i),
                               const_mat(dt.values.data() + i * time, time, 1),
                               rows(b, g),
                               rows(state, g),
                               number("A_log"),
                               number("D"),
                               chunk};
    const SsdHeadSaved<double> saved =
        ssd_forward<double>(head, row_block(run.outputs["out"].matrix(), i * time, time), memory);
    ssd_backward<double>(head, saved, rows(c.upstream_out(), i),
                         {grad("x", i), mat(run.grads["dt"].values.data() + i * time, time, 1), grad("B", g),
                          grad("C", g), dnumber("A_log"), dnumber("D")},
                         memory);
  }
  return run;
}

Tensor transposed(const Tensor& t) {
  Tensor out = Tensor::zeros({t.size(1), t.size(0)});
  out.matrix() = t.matrix().transpose();
  return out;
}

}  // namespace

std::vector<Run> run_ssd_kernel(const Case& c, const Registry&) {
  std::vector<Run> runs;
  for (const Index chunk : {1, 3, 4, 64}) runs.push_back(run_heads(c, chunk));
  return runs;
}

std::vector<Run> run_ssd_layer(const Case& c, const Registry& registry) {
  if (c.text("activation") != "silu" || c.flag("norm_before_gate") || c.number("eps") != 1e-5)
    throw Unknown("this activation, norm or eps of 'ssd'");
  const VariantInfo& variant = find_variant(registry, "ssd");
  const Index heads = c.integer("heads"), inner = heads * c.integer("head_dim"), dim = c.input("x").size(2);
  if (inner % dim != 0) throw Error("the heads together are no multiple of the width");
  const Given options = {{"expand", Config::integer(inner / dim)},
                         {"state", Config::integer(c.integer("state_dim"))},
                         {"groups", Config::integer(c.integer("groups"))},
                         {"conv", Config::integer(c.integer("conv_width"))}};
  Case own = c;  // heed has the taps of a convolution as rows
  own.params["conv_weight"] = transposed(c.param("conv_weight"));
  std::vector<Run> runs;
  for (const auto& [chosen, text] : tile_choices(variant, options)) {
    LayerSpec<double> spec;
    spec.heads = heads;
    spec.bias = c.flag("bias");
    Run& run = runs.emplace_back(run_layer(own, {.variant = variant,
                                                 .options = chosen,
                                                 .spec = spec,
                                                 .names = ParamNames{{"W_in", "input.weight"},
                                                                     {"W_o", "output.weight"},
                                                                     {"conv_weight", "conv.weight"},
                                                                     {"conv_bias", "conv.bias"},
                                                                     {"A_log", "a_log"},
                                                                     {"dt_bias", "dt_bias"},
                                                                     {"D", "d"},
                                                                     {"norm_gain", "norm.gain"}}}));
    run.text = text;
    run.grads["conv_weight"] = transposed(run.grads["conv_weight"]);
  }
  return runs;
}

}  // namespace heed::golden
