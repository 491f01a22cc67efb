#pragma once

#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "core/head_kernel.h"
#include "core/layer.h"
#include "core/multi_head.h"
#include "core/options.h"
#include "core/params.h"

namespace heed {

// One head of one sequence, as forward and backward see it.
template <class S>
struct Head {
  ConstMat<S> q, k, v;  // (Tq, key) (Tk, key) (Tk, value)
  Mask mask;
  S slope;             // ALiBi: -slope |i - j| is added to the scaled scores; 0 for none
  Index batch, index;  // which sequence, which head
};

// Where backward adds.
template <class S>
struct HeadGrad {
  Mat<S> q, k, v;
  // The gradient of a parameter of the mixer: a slot of this head's own; the slots are summed in order
  // afterwards.
  Mat<S> param(const Param<S>& p) const {
    S* at = slots;
    for (const Param<S>& own : params) {
      if (own.index() == p.index()) return mat(at, own.rows(), own.cols());
      at += own.rows() * own.cols();
    }
    HEED_CHECK(false, "the gradient of a parameter was asked for that the mixer did not declare");
  }
  std::span<const Param<S>> params;
  S* slots;
};

struct HeadSize {
  Index tq, tk, key, value;
  Mask mask;
};

namespace detail {
template <class M>
struct MixerOptionsOf {
  using type = NoOptions;
};
template <class M>
requires requires { typename M::Options; }
struct MixerOptionsOf<M> {
  using type = typename M::Options;
};
}  // namespace detail

template <class M>
using MixerOptions = typename detail::MixerOptionsOf<M>::type;

template <class M>
M configured_mixer(const Config& c, const std::string& name) {
  M mixer;
  if constexpr (requires { mixer.options; })
    mixer.options = make_options<MixerOptions<M>>(c, name);
  else
    make_options<NoOptions>(c, name);
  return mixer;
}

template <class M>
Traits mixer_traits(const M& mixer) {
  if constexpr (requires { mixer.traits(); })
    return mixer.traits();
  else
    return {};
}

// Dense scores and weighted sum: 2 Tq Tk (key + value); a causal mask hides half. State: the keys and values
// seen.
Cost dense_cost(const HeadSize& size);

// Runs a mixer over all heads of all sequences.
template <class M, class S>
class HeadLoop final : public HeadKernel<S> {
 public:
  HeadLoop(M mixer, const LayerSpec<S>& spec, Params<S>& params);

  const HeadShape& shape() const override { return shape_; }
  void forward(Step<S>& step, Heads<const S> q, Heads<const S> k, Heads<const S> v, Heads<S> o) override;
  void backward(Step<S>& step, Heads<const S> d_o, Heads<S> dq, Heads<S> dk, Heads<S> dv) override;
  bool weights(Step<S>& step, Index b, Index h, Mat<S> p) override;
  Cost cost(Index tq, Index tk) const override;

 private:
  using Saved = typename M::Saved;
  static_assert(std::is_trivially_destructible_v<Saved>,
                "what forward saves lives in an arena: views and numbers only");

  Head<S> head(Index b, Index h) const {
    return {q_(b, h),
            k_(b, h),
            v_(b, h),
            mask_,
            position_ ? static_cast<S>(position_->slope(h, shape_.heads)) : S(0),
            b,
            h};
  }

  M mixer_;
  HeadShape shape_;
  Causality causality_;
  const Position<S>* position_;
  std::vector<Param<S>> params_;  // the mixer's own that have a gradient
  Index param_size_ = 0;
  // of the latest forward
  Heads<const S> q_, k_, v_;
  Mask mask_;
  std::span<Saved> saved_;
};

template <class M, class S>
HeadLoop<M, S>::HeadLoop(M mixer, const LayerSpec<S>& spec, Params<S>& params)
    : mixer_(std::move(mixer)), causality_(spec.causality), position_(spec.position) {
  if constexpr (requires { mixer_.shape(spec); }) {
    shape_ = mixer_.shape(spec);
  } else {
    require_divisible(spec.dim, spec.heads);
    shape_ = {spec.heads, spec.dim / spec.heads, spec.dim / spec.heads, 1};
  }
  const std::size_t before = params.infos().size();
  if constexpr (requires { mixer_.declare(spec, params); }) mixer_.declare(spec, params);
  for (std::size_t i = before; i < params.infos().size(); ++i) {
    if (params.infos()[i].role == Role::fixed) continue;  // has no gradient
    params_.push_back(params.find(params.infos()[i].name));
    param_size_ += params.infos()[i].rows * params.infos()[i].cols;
  }
}

template <class M, class S>
void HeadLoop<M, S>::forward(Step<S>& step, Heads<const S> q, Heads<const S> k, Heads<const S> v,
                             Heads<S> o) {
  q_ = q, k_ = k, v_ = v;
  mask_ = resolve(causality_, q.time, k.time);
  if constexpr (requires { mixer_.prepare(q.time, k.time, mask_); }) mixer_.prepare(q.time, k.time, mask_);
  const Index n = q.batch * shape_.heads;
  saved_ = step.memory().template keep_span<Saved>(n);
  step.parallel_for(n, [&](Index i, Memory<S>& memory) {
    const Index b = i / shape_.heads, h = i % shape_.heads;
    new (&saved_[static_cast<std::size_t>(i)]) Saved(mixer_.forward(head(b, h), o(b, h), memory));
  });
}

template <class M, class S>
void HeadLoop<M, S>::backward(Step<S>& step, Heads<const S> d_o, Heads<S> dq, Heads<S> dk, Heads<S> dv) {
  const Index n = q_.batch * shape_.heads;
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  Mat<S> slots = memory.temp(n, param_size_);
  slots.setZero();
  step.parallel_for(n, [&](Index i, Memory<S>& own) {
    const Index b = i / shape_.heads, h = i % shape_.heads;
    HeadGrad<S> grad{dq(b, h), dk(b, h), dv(b, h), params_, slots.data() + i * param_size_};
    mixer_.backward(head(b, h), saved_[static_cast<std::size_t>(i)], d_o(b, h), grad, own);
  });
  Index at = 0;
  for (const Param<S>& p : params_) {
    for (Index i = 0; i < n; ++i) p.grad() += mat(slots.data() + i * param_size_ + at, p.rows(), p.cols());
    at += p.rows() * p.cols();
  }
}

template <class M, class S>
bool HeadLoop<M, S>::weights(Step<S>& step, Index b, Index h, Mat<S> p) {
  if constexpr (requires(const Saved& saved, Memory<S>& memory) {
                  mixer_.weights(head(b, h), saved, p, memory);
                }) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    mixer_.weights(head(b, h), saved_[static_cast<std::size_t>(b * shape_.heads + h)], p, memory);
    return true;
  } else {
    return (void)step, (void)b, (void)h, (void)p, false;
  }
}

template <class M, class S>
Cost HeadLoop<M, S>::cost(Index tq, Index tk) const {
  const HeadSize size{tq, tk, shape_.key, shape_.value, resolve(causality_, tq, tk)};
  Cost one;
  if constexpr (requires { mixer_.cost(size); })
    one = mixer_.cost(size);
  else
    one = dense_cost(size);
  return {one.flops * static_cast<double>(shape_.heads), one.state_bytes * static_cast<double>(shape_.heads)};
}

template <class M, class S>
std::unique_ptr<HeadKernel<S>> make_head_kernel(M mixer, const LayerSpec<S>& spec, Params<S>& params) {
  return std::make_unique<HeadLoop<M, S>>(std::move(mixer), spec, params);
}

// A mixer between linear projections: the usual multi-head layer.
template <class M, class S>
std::unique_ptr<Layer<S>> make_mixer_layer(M mixer, const LayerSpec<S>& spec, Params<S>& params) {
  return make_multi_head(make_head_kernel(std::move(mixer), spec, params), spec, params);
}

}  // namespace heed
