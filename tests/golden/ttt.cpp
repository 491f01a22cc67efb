// Test-time training: heads of TTT-Linear, its layer, and the learning down matrix of In-Place TTT.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/step.h"
#include "tests/golden/handlers.h"
#include "tests/golden/layer.h"
#include "variants/parts/in_place_ttt.h"
#include "variants/parts/ttt_linear.h"

namespace heed::golden {
namespace {

void require_eps(const Case& c) {
  if (c.number("ln_eps") != kTttEps) throw Unknown(fmt::format("ln_eps = {}", c.number("ln_eps")));
}

// The cases give the final rates and scales, which no projection reaches, so this runs what the mixer is made
// of.
Run run_heads(const Case& c) {
  const Tensor& q = c.input("q");
  const Index batch = q.size(0), heads = q.size(1), time = q.size(2), f = q.size(3),
              k = c.integer("mini_batch");
  for (const char* name : {"k", "v"}) require_shape(name, c.input(name), q.shape);
  require_shape("upstream", c.upstream_out(), q.shape);
  require_shape("lr", c.input("lr"), {batch, heads, time});
  require_shape("token_scale", c.param("token_scale"), {k});
  require_shape("W", c.param("W"), {heads, f, f});
  for (const char* name : {"b", "ln_weight", "ln_bias"}) require_shape(name, c.param(name), {heads, f});
  Run run{"", {{"out", Tensor::zeros(q.shape)}}, {}};
  for (const auto& [name, t] : c.inputs) run.grads[name] = Tensor::zeros(t.shape);
  for (const auto& [name, t] : c.params) run.grads[name] = Tensor::zeros(t.shape);
  Tensor final_w = Tensor::zeros({batch, heads, f, f}), final_b = Tensor::zeros({batch, heads, f});
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index i = 0; i < batch * heads; ++i) {
    const Index h = i % heads;
    const auto view = [&](const char* name, Index at, Index rows, Index cols) {
      const Tensor& t = c.inputs.contains(name) ? c.input(name) : c.param(name);
      return const_mat(t.values.data() + at * rows * cols, rows, cols);
    };
    const auto grad = [&](const char* name, Index at, Index rows, Index cols) {
      return mat(run.grads[name].values.data() + at * rows * cols, rows, cols);
    };
    const TttHead<double> head{
        view("q", i, time, f),  view("k", i, time, f),        view("v", i, time, f),
        view("lr", i, time, 1), view("token_scale", 0, 1, k), view("W", h, f, f),
        view("b", h, 1, f),     view("ln_weight", h, 1, f),   view("ln_bias", h, 1, f)};
    TttHeadGrad<double> to{grad("q", i, time, f),  grad("k", i, time, f),        grad("v", i, time, f),
                           grad("lr", i, time, 1), grad("token_scale", 0, 1, k), grad("W", h, f, f),
                           grad("b", h, 1, f),     grad("ln_weight", h, 1, f),   grad("ln_bias", h, 1, f)};
    const Mat<double> states =
        ttt_forward(head, mat(run.outputs["out"].values.data() + i * time * f, time, f), memory);
    const Index last = head.mini_batches() - 1;
    ttt_learn(head, TttChunk<double>(head, last * k, entering(states, last), memory), entering(states, last),
              {mat(final_w.values.data() + i * f * f, f, f), mat(final_b.values.data() + i * f, 1, f)},
              memory);
    ttt_backward<double>(head, states, const_mat(c.upstream_out().values.data() + i * time * f, time, f), to,
                         memory);
  }
  run.outputs["final_W"] = final_w, run.outputs["final_b"] = final_b;
  return run;
}

}  // namespace

std::vector<Run> run_ttt_kernel(const Case& c, const Registry&) {
  require_eps(c);
  return {run_heads(c)};
}

std::vector<Run> run_ttt_layer(const Case& c, const Registry& registry) {
  require_eps(c);
  if (c.text("rope") != "interleaved_position_mod_mini_batch")
    throw Unknown("the rope '" + c.text("rope") + "'");
  const VariantInfo& variant = find_variant(registry, "ttt_linear");
  ParamNames names = projection_names(c);
  for (const auto& [golden, heed] : {std::pair("W", "fast.weight"),
                                     {"b", "fast.bias"},
                                     {"ln_weight", "fast.norm_gain"},
                                     {"ln_bias", "fast.norm_bias"},
                                     {"token_scale_offset", "fast.scale"},
                                     {"lr_bias", "rate.bias"},
                                     {"post_ln_weight", "norm.gain"},
                                     {"post_ln_bias", "norm.bias"}})
    names.push_back({golden, heed});
  names.push_back({"lr_weight", "rate.weight", false, true});
  LayerSetting setting{
      .variant = variant,
      .options = options_of(variant, {{"mini_batch", Config::integer(c.integer("mini_batch"))},
                                      {"base_lr", Config::number(c.number("base_lr"))}}),
      .names = names,
      .position = &registry.position("rope"),
      .position_options = {{"base", Config::number(c.number("rope_base"))}}};
  setting.spec.heads = c.integer("heads");
  setting.spec.bias = false;
  return {run_layer(c, setting)};
}

// The cases give the hidden channels, which no projection reaches. heed has the taps of the filter as rows.
std::vector<Run> run_ttt_in_place(const Case& c, const Registry&) {
  const Tensor &z = c.input("hidden"), &e = c.input("target_source"), &w = c.param("W_down");
  const Index batch = z.size(0), time = z.size(1), hidden = z.size(2), dim = e.size(2);
  const bool projects = c.flag("target_projection");
  require_shape("target_source", e, {batch, time, dim});
  require_shape("W_down", w, {hidden, dim});
  require_shape("conv", c.param("conv"), {dim, c.integer("conv_width")});
  require_shape("upstream", c.upstream_out(), e.shape);
  const Tensor target = projects ? c.param("W_target") : Tensor{{0, dim}, {}};
  const Matrix<double> taps = c.param("conv").matrix().transpose();
  Run run{"", {{"out", Tensor::zeros(e.shape)}}, {}};
  for (const char* input : {"hidden", "target_source"})
    run.grads[input] = Tensor::zeros(c.input(input).shape);
  Tensor dw = Tensor::zeros(w.shape), dtarget = Tensor::zeros(target.shape);
  Matrix<double> dtaps = Matrix<double>::Zero(taps.rows(), taps.cols());
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index b = 0; b < batch; ++b) {
    const auto of = [&](const Tensor& t) { return row_block(t.matrix(), b * time, time); };
    const auto grad = [&](const char* name) { return row_block(run.grads[name].matrix(), b * time, time); };
    const InPlaceTtt<double> in{of(z),           of(e),
                                w.matrix(),      const_mat(taps.data(), taps.rows(), dim),
                                target.matrix(), c.integer("chunk"),
                                c.number("lr")};
    InPlaceTttGrad<double> to{grad("hidden"), grad("target_source"), dw.matrix(),
                              mat(dtaps.data(), taps.rows(), dim), dtarget.matrix()};
    const Mat<double> states =
        in_place_forward(in, row_block(run.outputs["out"].matrix(), b * time, time), memory);
    in_place_backward<double>(in, states, of(c.upstream_out()), to, memory);
  }
  run.grads["W_down"] = dw;
  run.grads["conv"] = Tensor::zeros(c.param("conv").shape);
  run.grads["conv"].matrix() = dtaps.transpose();
  if (projects) run.grads["W_target"] = dtarget;
  return {run};
}

}  // namespace heed::golden
