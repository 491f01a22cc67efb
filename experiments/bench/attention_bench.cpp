#include "experiments/bench/attention_bench.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <type_traits>
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

// What a kernel reads: q, k, v and its further inputs; or room for their gradients.
class KernelNumbers {
 public:
  KernelNumbers(const HeadKernel<float>& kernel, const AttentionShape& shape) {
    const HeadShape& s = kernel.shape();
    const auto add = [&](const std::string& name, Index heads, Index width) {
      numbers_.push_back(normal_numbers(shape.batch * shape.length * heads * width, name));
      const Heads<float> view{numbers_.back().data(), shape.batch, heads, shape.length, width};
      views_.push_back(view), const_views_.push_back(view);
    };
    add("q", s.heads, s.query_width()), add("k", s.key_heads, s.key), add("v", s.key_heads, s.value);
    for (const MixerInput& input : kernel.inputs()) add(input.name, s.heads, input.width);
  }
  template <class S>
  HeadInputs<S> view() const {
    // Views of constants and of variables are different types, so both lists are kept.
    const std::vector<Heads<S>>* all;
    if constexpr (std::is_const_v<S>)
      all = &const_views_;
    else
      all = &views_;
    return {(*all)[0], (*all)[1], (*all)[2], std::span(*all).subspan(3)};
  }

 private:
  std::vector<std::vector<float>> numbers_;
  std::vector<Heads<float>> views_;
  std::vector<Heads<const float>> const_views_;
};

}  // namespace

AttentionBench bench_attention(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                               int threads, Index repetitions) {
  const VariantInfo& info = registry.variant(variant.name);
  if (!info.is_mixer())
    throw Error(fmt::format("'{}' is a layer, not a mixer; measure it with --step.", variant.name));
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
  const Index rows = shape.batch * shape.length;
  KernelNumbers in(*kernel, shape), grad(*kernel, shape);
  std::vector<float> d_o = normal_numbers(rows * s.heads * s.value, "d_o"), o(d_o.size());
  const auto heads = [&](std::vector<float>& x) {
    return Heads<float>{x.data(), shape.batch, s.heads, shape.length, s.value};
  };
  Step<float> step(threads);
  AttentionBench out{};
  const auto repeat = [&](Timing& forward, Timing& backward) {
    time_once(forward, [&] { kernel->forward(step, in.view<const float>(), heads(o)); });
    time_once(backward, [&] { kernel->backward(step, heads(d_o), grad.view<float>()); });
    step.rewind();
  };
  // Not counted: the first repetition takes memory and fills caches.
  Timing first;
  repeat(first, first);
  // The ceiling is measured before and after, because the speed of a processor may change in between.
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
