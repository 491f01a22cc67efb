#include "experiments/bench/attention_bench.h"

#include <fmt/format.h>

#include <vector>

#include "core/error.h"
#include "core/head_kernel.h"
#include "core/layer.h"
#include "core/params.h"
#include "core/rng.h"

namespace heed {
namespace {

std::vector<float> normal_numbers(Index n, std::string_view name) {
  std::vector<float> out(static_cast<std::size_t>(n));
  Draws draws = Rng(1, name).at(0);
  for (float& x : out) x = static_cast<float>(draws.normal());
  return out;
}

}  // namespace

AttentionBench bench_attention(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                               int threads, Index repetitions) {
  const VariantInfo& info = registry.variant(variant.name);
  if (!info.is_mixer())
    throw Error(
        fmt::format("'{}' is a layer, not a mixer: it cannot be measured alone; use --step.", variant.name));
  Params<float> params;
  const Index dim = shape.heads * shape.width;
  const LayerSpec<float> spec{.dim = dim,
                              .context_dim = dim,
                              .heads = shape.heads,
                              .length = shape.length,
                              .causality = {shape.causal, {}}};
  const auto kernel = info.make_kernel(variant.options, spec, params);
  params.freeze();
  params.initialize(1);

  const HeadShape& s = kernel->shape();
  const Index rows = shape.batch * shape.length, key = s.heads * s.key, value = s.heads * s.value;
  std::vector<float> q = normal_numbers(rows * key, "q"), k = normal_numbers(rows * key, "k"),
                     v = normal_numbers(rows * value, "v"), d_o = normal_numbers(rows * value, "d_o"),
                     o(v.size()), dq(q.size()), dk(k.size()), dv(v.size());
  const auto heads = [&](std::vector<float>& x, Index width) {
    return Heads<float>{x.data(), shape.batch, s.heads, shape.length, width};
  };
  Step<float> step(threads);
  AttentionBench out{};
  const auto repeat = [&](Timing& forward, Timing& backward) {
    time_once(forward, [&] {
      kernel->forward(step, heads(q, s.key), heads(k, s.key), heads(v, s.value), heads(o, s.value));
    });
    time_once(backward, [&] {
      kernel->backward(step, heads(d_o, s.value), heads(dq, s.key), heads(dk, s.key), heads(dv, s.value));
    });
    step.rewind();
  };
  Timing first;
  repeat(first, first);
  Ceiling ceiling;
  ceiling.measure();
  double spent = 0;
  for (Index i = 0; i < repetitions || spent < 200; ++i) {
    repeat(out.forward, out.backward);
    spent += out.forward.wall.back() + out.backward.wall.back();
  }
  ceiling.measure();
  out.ceiling = ceiling.flops_per_second();
  out.forward_flops = static_cast<double>(shape.batch) * kernel->cost(shape.length, shape.length).flops;
  out.bytes = static_cast<double>(step.reserved());
  return out;
}

}  // namespace heed
