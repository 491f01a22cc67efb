// Forgetting attention: the kernel on given log gates, and the layer with its projections.
#include "variants/parts/forgetting.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/step.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"
#include "variants/parts/tiled_softmax.h"

namespace heed::golden {
namespace {

// The matrix (time, channels) of one head of one sequence.
Mat<double> head(Tensor& t, Index i) {
  return mat(t.values.data() + i * t.size(2) * t.size(3), t.size(2), t.size(3));
}
ConstMat<double> head(const Tensor& t, Index i) {
  return const_mat(t.values.data() + i * t.size(2) * t.size(3), t.size(2), t.size(3));
}

// The case gives log f, which no projection reaches at f = 1; so this runs the parts that the mixer is made
// of.
Run run_tile(const Case& c, Index tile) {
  const Tensor &q = c.input("q"), &k = c.input("k"), &v = c.input("v"), &log_forget = c.input("log_forget");
  const Index heads = q.size(0) * q.size(1), time = q.size(2);
  require_shape("k", k, q.shape);
  require_shape("log_forget", log_forget, {q.size(0), q.size(1), time});
  Tensor o = Tensor::zeros(v.shape), lse = Tensor::zeros(log_forget.shape),
         p = Tensor::zeros({q.size(0), q.size(1), time, time});
  Tensor dq = Tensor::zeros(q.shape), dk = dq, dv = o, dlog_forget = lse;
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index i = 0; i < heads; ++i) {
    const auto gates = [&](auto& t) {
      return std::span(t.values.data() + i * time, static_cast<std::size_t>(time));
    };
    std::vector<double> sums(static_cast<std::size_t>(time));
    std::ranges::copy(gates(log_forget), sums.begin());
    sum_up(sums);
    const SoftmaxMap<double> map{head(q, i), head(k, i), head(v, i), c.number("scale"), 0, 0, sums.data()};
    const DenseTiles tiles(time, time, Mask{true, 0}, tile);
    const Mat<double> lse_row = mat(gates(lse).data(), 1, time);
    softmax_forward(map, tiles, head(o, i), lse_row, memory);
    softmax_weights<double>(map, tiles, lse_row, head(p, i), memory);
    softmax_backward<double>(map, tiles, head(o, i), lse_row, head(c.upstream_out(), i), head(dq, i),
                             head(dk, i), head(dv, i), memory, gates(dlog_forget).data());
    sum_up_backward(gates(dlog_forget));
  }
  return {fmt::format("tile {}", tile),
          {{"out", o}, {"lse", lse}, {"probs", p}},
          {{"q", dq}, {"k", dk}, {"v", dv}, {"log_forget", dlog_forget}}};
}

void require_eps(const Case& c, const char* name, double ours) {
  if (c.number(name) != ours)
    throw Error(fmt::format("'{}' is {}, which cannot be chosen; heed's is {}", name, c.number(name), ours));
}

Given layer_options(const Case& c) {
  require_eps(c, "eps", 1e-6);
  require_eps(c, "qk_norm_eps", 1e-5);
  const auto is = [&](const char* name, const char* off, const char* on) {
    if (c.text(name) != off && c.text(name) != on) throw Unknown(fmt::format("{} '{}'", name, c.text(name)));
    return Config::boolean(c.text(name) == on);
  };
  return {{"key_shift", Config::boolean(c.flag("key_shift"))},
          {"value_shift", Config::boolean(c.flag("value_shift"))},
          {"qk_norm", is("qk_norm", "none", "rms")},
          {"output_norm", Config::boolean(c.flag("output_norm"))},
          {"output_gate", is("output_gate", "none", "elementwise")}};
}

ParamNames layer_names(const Case& c) {
  ParamNames out = projection_names(c);
  for (const auto& [golden, heed] : {std::pair("W_f", "forget.weight"),
                                     {"b_f", "forget.bias"},
                                     {"W_k_shift", "key_shift.weight"},
                                     {"W_v_shift", "value_shift.weight"},
                                     {"W_gate", "gate.weight"},
                                     {"q_gain", "q_gain"},
                                     {"k_gain", "k_gain"},
                                     {"out_gain", "out_gain"}})
    if (c.params.contains(golden)) out.push_back({golden, heed});
  return out;
}

}  // namespace

std::vector<Run> run_forgetting_kernel(const Case& c, const Registry&) {
  std::vector<Run> runs;
  for (const Index tile : {1, 3, 4, 64}) runs.push_back(run_tile(c, tile));
  return runs;
}

std::vector<Run> run_forgetting_layer(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "forgetting");
  const Index heads = c.integer("heads");
  require_scale(c, c.input("x").size(2) / heads);
  std::vector<Run> runs;
  for (const auto& [options, name] : tile_choices(variant, layer_options(c))) {
    LayerSpec<double> spec;
    spec.heads = heads;
    spec.bias = c.flag("bias");
    LayerSetting setting{.variant = variant, .options = options, .spec = spec, .names = layer_names(c)};
    set_rope(c, registry, setting);
    Run& run = runs.emplace_back(run_layer(c, setting));
    run.text = name;
    run.outputs["probs"] = run.outputs["weights"];
  }
  return runs;
}

}  // namespace heed::golden
