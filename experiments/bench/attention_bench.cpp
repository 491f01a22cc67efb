#include "experiments/bench/attention_bench.h"

#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/head_kernel.h"
#include "core/layer.h"
#include "core/params.h"

namespace heed {
namespace {

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

// A mixer, with inputs and the gradient of its output.
class KernelWork {
 public:
  KernelWork(const VariantInfo& info, const Config& options, const AttentionShape& shape)
      : shape_(shape),
        kernel_(info.make_kernel(options, layer_spec(shape), params_)),
        in_(*kernel_, shape),
        grad_(*kernel_, shape),
        d_o_(normal_numbers(shape.batch * shape.length * kernel_->shape().heads * kernel_->shape().value,
                            "d_o")),
        o_(d_o_.size()) {
    params_.freeze();
    params_.initialize(1);
  }
  void forward(Step<float>& step) { kernel_->forward(step, in_.view<const float>(), heads(o_)); }
  void backward(Step<float>& step) { kernel_->backward(step, heads(d_o_), grad_.view<float>()); }
  Cost cost() const { return kernel_->cost(shape_.length, shape_.length); }

 private:
  Heads<float> heads(std::vector<float>& x) const {
    const HeadShape& s = kernel_->shape();
    return {x.data(), shape_.batch, s.heads, shape_.length, s.value};
  }

  AttentionShape shape_;
  Params<float> params_;
  std::unique_ptr<HeadKernel<float>> kernel_;
  KernelNumbers in_, grad_;
  std::vector<float> d_o_, o_;
};

// A layer that attends to its own input.
class LayerWork {
 public:
  LayerWork(const VariantInfo& info, const Config& options, const AttentionShape& shape)
      : shape_(shape),
        layer_(info.make(options, layer_spec(shape), params_)),
        x_(numbers("x")),
        dy_(numbers("dy")) {
    dx_.resize(x_.size()), y_.resize(x_.size());
    params_.freeze();
    params_.initialize(1);
  }
  void forward(Step<float>& step) { layer_->forward(step, seq(x_), seq(x_), seq(y_)); }
  void backward(Step<float>& step) { layer_->backward(step, seq(dy_), seq(dx_), seq(dx_)); }
  Cost cost() const { return layer_->cost(shape_.length, shape_.length); }

 private:
  Index width() const { return shape_.heads * shape_.width; }
  std::vector<float> numbers(std::string_view name) const {
    return normal_numbers(shape_.batch * shape_.length * width(), name);
  }
  Seq<float> seq(std::vector<float>& x) const { return {x.data(), shape_.batch, shape_.length, width()}; }

  AttentionShape shape_;
  Params<float> params_;
  std::unique_ptr<Layer<float>> layer_;
  std::vector<float> x_, dy_, dx_, y_;
};

template <class Work>
AttentionBench bench(Work& work, Index batch, int threads, Index repetitions) {
  Step<float> step(threads);
  AttentionBench out{};
  const auto repeat = [&](Timing& forward, Timing& backward) {
    time_once(forward, [&] { work.forward(step); });
    time_once(backward, [&] { work.backward(step); });
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
  out.forward_flops = static_cast<double>(batch) * work.cost().flops;
  out.bytes = static_cast<double>(step.reserved());
  return out;
}

}  // namespace

AttentionBench bench_attention(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                               bool as_layer, int threads, Index repetitions) {
  const VariantInfo& info = registry.variant(variant.name);
  AttentionBench out{};
  if (as_layer || !info.is_mixer()) {
    LayerWork work(info, variant.options, shape);
    out = bench(work, shape.batch, threads, repetitions);
    out.layer = true;
  } else {
    KernelWork work(info, variant.options, shape);
    out = bench(work, shape.batch, threads, repetitions);
  }
  return out;
}

}  // namespace heed
