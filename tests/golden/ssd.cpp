// Mamba-2: the state-space recurrence of a group of heads, and the whole layer.
#include "variants/parts/ssd_group.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"

namespace heed::golden {
namespace {

Tensor one_number_per_row(Tensor t) {  // (B,H,T) to (B,H,T,1)
  t.shape.push_back(1);
  return t;
}

Run run_groups(const Case& c, Index chunk) {
  const Tensor &b = c.input("B"), &state = c.input("C"), &out = c.upstream_out();
  const Index batch = out.size(0), heads = out.size(1), time = out.size(2), groups = b.size(1);
  require_shape("dt", c.input("dt"), {batch, heads, time});
  require_shape("B", b, {batch, groups, time, b.size(3)});
  require_shape("C", state, b.shape);
  require_shape("A_log", c.param("A_log"), {heads});
  require_shape("D", c.param("D"), {heads});
  const Tensor x = heads_as_columns(c.input("x")), dt = heads_as_columns(one_number_per_row(c.input("dt")));
  const Tensor dy = heads_as_columns(out);
  Tensor y = Tensor::zeros(x.shape), dx = y, ddt = Tensor::zeros(dt.shape);
  Run run{fmt::format("chunk {}", chunk), {}, {}};
  for (const auto& [name, t] : c.inputs) run.grads[name] = Tensor::zeros(t.shape);
  for (const auto& [name, t] : c.params) run.grads[name] = Tensor::zeros(t.shape);
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index i = 0; i < batch * groups; ++i) {
    // The rows of a sequence in (B,T,cols), and of these the columns of group g of all groups
    const auto columns = [&](auto m, Index g) {
      return column_block(m, g * m.cols() / groups, m.cols() / groups);
    };
    const auto own = [&](auto& t) {
      return columns(row_block(t.matrix(), i / groups * time, time), i % groups);
    };
    const auto rows = [&](auto& t) { return row_block(t.matrix(), i * time, time); };  // of (B,groups,T,cols)
    const auto numbers = [&](const Tensor& t) {
      return columns(const_mat(t.values.data(), 1, heads), i % groups);
    };
    const auto dnumbers = [&](Tensor& t) { return columns(mat(t.values.data(), 1, heads), i % groups); };
    const SsdGroup<double> group{
        own(x), own(dt), rows(b), rows(state), numbers(c.param("A_log")), numbers(c.param("D")), chunk};
    const SsdSaved<double> saved = ssd_forward<double>(group, own(y), memory);
    ssd_backward<double>(group, saved, own(dy),
                         {own(dx), own(ddt), rows(run.grads["B"]), rows(run.grads["C"]),
                          dnumbers(run.grads["A_log"]), dnumbers(run.grads["D"])},
                         memory);
  }
  run.outputs["out"] = columns_as_heads(y, heads);
  run.grads["x"] = columns_as_heads(dx, heads);
  run.grads["dt"].values = columns_as_heads(ddt, heads).values;
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
  for (const Index chunk : {1, 3, 4, 64}) runs.push_back(run_groups(c, chunk));
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
