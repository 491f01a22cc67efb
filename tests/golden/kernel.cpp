#include "tests/golden/kernel.h"

#include <cmath>
#include <limits>

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
    out.values[static_cast<std::size_t>(r)] =
        p > 0 ? scale * q(b, h).row(i).dot(k(b, h).row(j)) - bias - std::log(p)
              : -std::numeric_limits<double>::infinity();
  }
  return out;
}

Tensor weights_of(HeadKernel<double>& kernel, Step<double>& step, Index batch, Index tq, Index tk) {
  const Index heads = kernel.shape().heads;
  Tensor out = Tensor::zeros({batch, heads, tq, tk});
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      if (!kernel.weights(step, b, h, mat(out.values.data() + (b * heads + h) * tq * tk, tq, tk)))
        throw Error("the kernel shows no weights");
  return out;
}

void require_shapes(const Case& c) {
  const Tensor &q = c.input("q"), &k = c.input("k"), &v = c.input("v");
  require_shape("k", k, {q.size(0), q.size(1), k.size(2), q.size(3)});
  require_shape("v", v, {q.size(0), v.size(1), k.size(2), v.size(3)});
  require_shape("upstream", c.upstream_out(), {q.size(0), v.size(1), q.size(2), v.size(3)});
}

}  // namespace

LayerSpec<double> kernel_spec(const Case& c, Index dim, Index default_offset) {
  LayerSpec<double> spec;
  const Index tq = c.input("q").size(2), tk = c.input("k").size(2);
  spec.dim = spec.context_dim = dim;
  spec.heads = c.input("v").size(1);
  spec.length = std::max(tq, tk);
  const Index offset = c.attributes.contains("causal_offset") ? c.integer("causal_offset") : default_offset;
  spec.causality = {c.flag("causal"), offset};
  if (c.attributes.contains("heads") && c.integer("heads") != spec.heads)
    throw Error("the attribute 'heads' is not the number of heads of 'v'");
  return spec;
}

Run run_kernel(const Case& c, const KernelSetting& setting) {
  require_shapes(c);
  const LayerSpec<double>& spec = setting.spec;
  Params<double> params;
  const auto kernel = setting.variant.make_kernel(setting.options, spec, params);
  params.freeze();
  params.initialize(1);
  load(c, setting.names, params);
  if (setting.prepare) setting.prepare(params);

  const HeadShape& shape = kernel->shape();
  const Index heads = shape.heads, maps = heads * shape.maps;
  if (c.input("q").size(1) != maps) throw Error("'q' has another number of heads than 'v' asks for");
  Tensor q = heads_as_columns(c.input("q")), k = heads_as_columns(c.input("k"));
  const Tensor v = heads_as_columns(c.input("v")), d_o = heads_as_columns(c.upstream_out());
  const Index batch = q.size(0), tq = q.size(1), tk = k.size(1);
  const Index first = spec.causality.causal ? *spec.causality.offset : 0;
  if (spec.position) {
    spec.position->rotate(seq(q).heads(maps), first);
    spec.position->rotate(seq(k).heads(maps), 0);
  }
  Tensor o = Tensor::zeros({batch, tq, v.size(2)});
  Tensor dq = Tensor::zeros(q.shape), dk = Tensor::zeros(k.shape), dv = Tensor::zeros(v.shape);
  Step<double> step;
  const Tensor &cq = q, &ck = k;
  kernel->forward(step, seq(cq).heads(heads), seq(ck).heads(heads), seq(v).heads(heads), seq(o).heads(heads));
  Run run;
  run.outputs["weights"] = weights_of(*kernel, step, batch, tq, tk);
  if (setting.scale != 0)
    run.outputs["lse"] = lse_of(run.outputs["weights"], seq(cq).heads(heads), seq(ck).heads(heads),
                                setting.scale, spec.position, first);
  kernel->backward(step, seq(d_o).heads(heads), seq(dq).heads(heads), seq(dk).heads(heads),
                   seq(dv).heads(heads));
  if (spec.position) {
    spec.position->rotate_backward(seq(dq).heads(maps), first);
    spec.position->rotate_backward(seq(dk).heads(maps), 0);
  }
  run.outputs["out"] = columns_as_heads(o, heads);
  run.grads = {{"q", columns_as_heads(dq, c.input("q").size(1))},
               {"k", columns_as_heads(dk, c.input("k").size(1))},
               {"v", columns_as_heads(dv, heads)}};
  store_grads(c, setting.names, params, run);
  return run;
}

Tensor weighted_values(const Tensor& weights, const Tensor& v) {
  const Index tq = weights.size(2), tk = weights.size(3);
  Tensor out = Tensor::zeros({v.size(0), v.size(1), tq, v.size(3)});
  for (Index i = 0; i < v.size(0) * v.size(1); ++i)
    out.matrix().middleRows(i * tq, tq) =
        weights.matrix().middleRows(i * tq, tq) * v.matrix().middleRows(i * tk, tk);
  return out;
}

}  // namespace heed::golden
