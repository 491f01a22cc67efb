#include "tests/golden/kernel.h"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/head_kernel.h"

namespace heed::golden {
namespace {

// log sum exp of each row of scores, from the weights that heed shows: p = exp(s - lse), so that any pair
// with p > 0 gives lse = s - log p; the largest p loses least.
Tensor lse_of(const Tensor& weights, Heads<const double> q, Heads<const double> k, double scale,
              const Position<double>* position, Index offset) {
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), weights.size(2)});
  for (Index r = 0; r < weights.rows(); ++r) {
    const Index b = r / (q.heads * q.time), h = r / q.time % q.heads, i = r % q.time;
    Index j = 0;
    const double p = weights.matrix().row(r).maxCoeff(&j);
    const double slope = position ? position->slope(h, q.heads) : 0;
    const double bias = slope * static_cast<double>(std::abs(i + offset - j));
    const Index key_head = h / (q.heads / k.heads);
    out.values[static_cast<std::size_t>(r)] =
        p > 0 ? scale * q(b, h).row(i).dot(k(b, key_head).row(j)) - bias - std::log(p)
              : -std::numeric_limits<double>::infinity();
  }
  return out;
}

// Empty if the kernel shows no weights.
std::optional<Tensor> weights_of(HeadKernel<double>& kernel, Step<double>& step, Index batch, Index tq,
                                 Index tk) {
  const Index heads = kernel.shape().heads;
  Tensor out = Tensor::zeros({batch, heads, tq, tk});
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      if (!kernel.weights(step, b, h, mat(out.values.data() + (b * heads + h) * tq * tk, tq, tk)))
        return std::nullopt;
  return out;
}

// Requires that k and v have heads of keys for `shape`, and that all lengths and widths fit.
void require_shapes(const Case& c, const HeadShape& shape) {
  const Tensor &q = c.input("q"), &k = c.input("k"), &v = c.input("v");
  const Index batch = q.size(0), tk = k.size(2);
  require_shape("q", q, {batch, shape.heads * shape.maps, q.size(2), q.size(3)});
  require_shape("k", k, {batch, shape.key_heads * shape.maps, tk, q.size(3)});
  require_shape("v", v, {batch, shape.key_heads, tk, v.size(3)});
  require_shape("upstream", c.upstream_out(), {batch, shape.heads, q.size(2), v.size(3)});
}

// The inputs besides q, k and v, by the names that the mixer declares: (batch, heads, time, width), or
// (batch, heads, time) for a width of 1.
class ExtraInputs {
 public:
  ExtraInputs(const Case& c, const HeadKernel<double>& kernel) {
    const Index batch = c.input("q").size(0), heads = kernel.shape().heads;
    for (const MixerInput& input : kernel.inputs()) {
      Tensor t = c.input(input.name);
      const Index time = c.input(input.side == Side::query ? "q" : "k").size(2);
      if (input.width == 1 && t.shape.size() == 3) t.shape.push_back(1);
      require_shape(input.name.c_str(), t, {batch, heads, time, input.width});
      names_.push_back(input.name);
      values_.push_back(heads_as_columns(t));
      grads_.push_back(Tensor::zeros(values_.back().shape));
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const Tensor& value = values_[i];
      value_views_.push_back(seq(value).heads(heads));
      grad_views_.push_back(seq(grads_[i]).heads(heads));
    }
  }
  ExtraInputs(const ExtraInputs&) = delete;  // the views refer to the tensors
  ExtraInputs& operator=(const ExtraInputs&) = delete;

  std::span<const Heads<const double>> values() const { return value_views_; }
  std::span<const Heads<double>> grads() const { return grad_views_; }
  void store(const Case& c, Run& run) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      Tensor& out = run.grads[names_[i]] = columns_as_heads(grads_[i], grad_views_[i].heads);
      out.shape = c.input(names_[i]).shape;
    }
  }

 private:
  std::vector<std::string> names_;
  std::vector<Tensor> values_, grads_;
  std::vector<Heads<const double>> value_views_;
  std::vector<Heads<double>> grad_views_;
};

}  // namespace

LayerSpec<double> kernel_spec(const Case& c, Index dim, Index default_offset) {
  LayerSpec<double> spec;
  const Index tq = c.input("q").size(2), tk = c.input("k").size(2);
  spec.dim = spec.context_dim = dim;
  // Without the attribute, differential attention has half as many heads as 'q'; all others as many as 'v'.
  const Index group = c.attributes.contains("kv_heads") ? c.integer("heads") / c.integer("kv_heads") : 1;
  spec.heads = c.input("v").size(1) * group;
  spec.length = std::max(tq, tk);
  const Index offset = c.attributes.contains("causal_offset") ? c.integer("causal_offset") : default_offset;
  spec.causality = {c.flag("causal"), offset};
  if (c.attributes.contains("heads") && c.integer("heads") != spec.heads)
    throw Error("the attribute 'heads' is not the number of heads of 'v'");
  return spec;
}

Run run_kernel(const Case& c, const KernelSetting& setting) {
  const LayerSpec<double>& spec = setting.spec;
  Params<double> params;
  const auto kernel = setting.variant.make_kernel(setting.options, spec, params);
  params.freeze();
  params.initialize(1);
  const ParamNames names = setting.names ? *setting.names : heed_names(c, params);
  load(c, names, params);
  if (!setting.names) load_fixed(c, params);
  if (setting.prepare) setting.prepare(params);

  const HeadShape& shape = kernel->shape();
  require_shapes(c, shape);
  const ExtraInputs extra(c, *kernel);
  const Index heads = shape.heads, key_heads = shape.key_heads;
  const Index maps = heads * shape.maps, key_maps = key_heads * shape.maps;
  Tensor q = heads_as_columns(c.input("q")), k = heads_as_columns(c.input("k"));
  const Tensor v = heads_as_columns(c.input("v")), d_o = heads_as_columns(c.upstream_out());
  const Index batch = q.size(0), tq = q.size(1), tk = k.size(1);
  const Index first = spec.causality.causal ? *spec.causality.offset : 0;
  if (spec.position) {
    spec.position->rotate(seq(q).heads(maps), first);
    spec.position->rotate(seq(k).heads(key_maps), 0);
  }
  Tensor o = Tensor::zeros(d_o.shape);
  Tensor dq = Tensor::zeros(q.shape), dk = Tensor::zeros(k.shape), dv = Tensor::zeros(v.shape);
  Step<double> step;
  const Tensor &cq = q, &ck = k;
  kernel->forward(step,
                  {seq(cq).heads(heads), seq(ck).heads(key_heads), seq(v).heads(key_heads), extra.values()},
                  seq(o).heads(heads));
  Run run;
  if (const auto weights = weights_of(*kernel, step, batch, tq, tk)) run.outputs["weights"] = *weights;
  if (setting.scale != 0)
    run.outputs["lse"] = lse_of(run.outputs["weights"], seq(cq).heads(heads), seq(ck).heads(key_heads),
                                setting.scale, spec.position, first);
  kernel->backward(step, seq(d_o).heads(heads),
                   {seq(dq).heads(heads), seq(dk).heads(key_heads), seq(dv).heads(key_heads), extra.grads()});
  if (spec.position) {
    spec.position->rotate_backward(seq(dq).heads(maps), first);
    spec.position->rotate_backward(seq(dk).heads(key_maps), 0);
  }
  run.outputs["out"] = columns_as_heads(o, heads);
  run.grads = {{"q", columns_as_heads(dq, maps)},
               {"k", columns_as_heads(dk, key_maps)},
               {"v", columns_as_heads(dv, key_heads)}};
  extra.store(c, run);
  store_grads(c, names, params, run);
  return run;
}

Tensor weighted_values(const Tensor& weights, const Tensor& v) {
  const Index tq = weights.size(2), tk = weights.size(3), group = weights.size(1) / v.size(1);
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), tq, v.size(3)});
  for (Index i = 0; i < weights.size(0) * weights.size(1); ++i)
    out.matrix().middleRows(i * tq, tq) =
        weights.matrix().middleRows(i * tq, tq) * v.matrix().middleRows(i / group * tk, tk);
  return out;
}

}  // namespace heed::golden
