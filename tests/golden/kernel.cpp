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
// with p > 0 gives lse = s - log p; the largest p loses least. If none is far enough from the smallest
// double, lse is the sink.
Tensor lse_of(const Tensor& weights, Heads<const double> q, Heads<const double> k,
              const KernelSetting& setting, Index offset) {
  const Position<double>* const position = setting.spec.position;
  Tensor out = Tensor::zeros({weights.size(0), weights.size(1), weights.size(2)});
  for (Index r = 0; r < weights.rows(); ++r) {
    const Index b = r / (q.heads * q.time), h = r / q.time % q.heads, i = r % q.time;
    Index j = 0;
    const double p = weights.matrix().row(r).maxCoeff(&j);
    const double slope = position ? position->slope(h, q.heads) : 0;
    const double bias = slope * static_cast<double>(std::abs(i + offset - j));
    const Index key_head = h / (q.heads / k.heads);
    double score = setting.scale * q(b, h).row(i).dot(k(b, key_head).row(j));
    if (setting.cap > 0) score = setting.cap * std::tanh(score / setting.cap);
    const double sink = setting.sinks.empty() ? -std::numeric_limits<double>::infinity()
                                              : setting.sinks[static_cast<std::size_t>(h)];
    out.values[static_cast<std::size_t>(r)] = p > 1e-300 ? score - bias - std::log(p) : sink;
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
  require_shape("q", q, {batch, shape.heads * shape.query_maps(), q.size(2), q.size(3)});
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

// The queries or keys as the layer gives them to a kernel: normalized, then rotated.
class Prepared {
 public:
  Prepared(HeadKernel<double>& kernel, Side side, const Tensor& given, const Position<double>* position,
           Index first)
      : kernel_(kernel), side_(side), given_(given), position_(position), first_(first), value_(given) {
    if (kernel.normalizes())
      kernel.normalize(step_, side, seq(given_).heads(heads()), seq(value_).heads(heads()));
    if (position) position->rotate(seq(value_).heads(heads() * maps()), first);
  }
  Heads<const double> view() const { return seq(value_).heads(heads()); }

  // Returns the gradient of what was given, given that of the prepared tensor.
  Tensor backward(Tensor d) {
    if (position_) position_->rotate_backward(seq(d).heads(heads() * maps()), first_);
    if (!kernel_.normalizes()) return d;
    Tensor out = Tensor::zeros(d.shape);
    kernel_.normalize_backward(step_, side_, seq(given_).heads(heads()), seq(d).heads(heads()),
                               seq(out).heads(heads()));
    return out;
  }

 private:
  const HeadShape& shape() const { return kernel_.shape(); }
  Index heads() const { return side_ == Side::query ? shape().heads : shape().key_heads; }
  Index maps() const { return side_ == Side::query ? shape().query_maps() : shape().maps; }

  HeadKernel<double>& kernel_;
  Side side_;
  const Tensor given_;
  const Position<double>* position_;
  Index first_;
  Tensor value_;
  Step<double> step_;
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
  const Tensor v = heads_as_columns(c.input("v")), d_o = heads_as_columns(c.upstream_out());
  const Index first = spec.causality.causal ? *spec.causality.offset : 0;
  Prepared q(*kernel, Side::query, heads_as_columns(c.input("q")), spec.position, first);
  Prepared k(*kernel, Side::key, heads_as_columns(c.input("k")), spec.position, 0);
  const Index batch = v.size(0), tq = d_o.size(1), tk = v.size(1);
  Tensor o = Tensor::zeros(d_o.shape), dv = Tensor::zeros(v.shape);
  Tensor dq = Tensor::zeros({batch, tq, heads * q.view().dim});
  Tensor dk = Tensor::zeros({batch, tk, key_heads * k.view().dim});
  Step<double> step;
  kernel->forward(step, {q.view(), k.view(), seq(v).heads(key_heads), extra.values()}, seq(o).heads(heads));
  Run run;
  if (const auto weights = weights_of(*kernel, step, batch, tq, tk)) run.outputs["weights"] = *weights;
  if (setting.scale != 0)
    run.outputs["lse"] = lse_of(run.outputs["weights"], q.view(), k.view(), setting, first);
  kernel->backward(step, seq(d_o).heads(heads),
                   {seq(dq).heads(heads), seq(dk).heads(key_heads), seq(dv).heads(key_heads), extra.grads()});
  run.outputs["out"] = columns_as_heads(o, heads);
  run.grads = {{"q", columns_as_heads(q.backward(dq), heads * shape.query_maps())},
               {"k", columns_as_heads(k.backward(dk), key_heads * shape.maps)},
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
