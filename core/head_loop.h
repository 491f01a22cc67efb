#pragma once

#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/context_decoders.h"
#include "core/divisible.h"
#include "core/error.h"
#include "core/head.h"
#include "core/head_decoders.h"
#include "core/head_kernel.h"
#include "core/layer.h"
#include "core/mixer_members.h"
#include "core/multi_head.h"
#include "core/params.h"
#include "core/view_copy.h"

namespace heed {

// Runs a mixer over all heads of all sequences.
template <class M, class S>
class HeadLoop : public HeadKernel<S>, public DivisibleKernel<S> {
 public:
  HeadLoop(M mixer, const LayerSpec<S>& spec, Params<S>& params);

  const HeadShape& shape() const override { return shape_; }
  std::span<const MixerInput> inputs() const override { return inputs_; }
  bool normalizes() const override {
    if constexpr (Has::normalizes)
      return mixer_.normalizes();
    else
      return false;
  }
  bool reads_unrotated() const override {
    if constexpr (Has::reads_unrotated)
      return mixer_.reads_unrotated();
    else
      return false;
  }
  void normalize(Step<S>& step, Side side, Heads<const S> x, Heads<S> y) override;
  void normalize_backward(Step<S>& step, Side side, Heads<const S> x, Heads<const S> dy,
                          Heads<S> dx) override;
  void forward(Step<S>& step, const HeadInputs<const S>& in, Heads<S> o) override;
  void backward(Step<S>& step, Heads<const S> d_o, const HeadInputs<S>& grad) override;
  void hold() override { held_k_ = Held(in_.k), held_v_ = Held(in_.v); }
  bool weights(Step<S>& step, Index b, Index h, Mat<S> p) override;
  Cost cost(Index tq, Index tk) const override;
  std::unique_ptr<HeadDecoder<S>> decoder(Index batch, Index length) override;
  std::unique_ptr<HeadDecoder<S>> context_decoder(Step<S>& step, const HeadInputs<const S>& context) override;

  Splits splits() const override {
    if constexpr (Has::splits)
      return mixer_.splits();
    else
      return Splits::none;
  }
  std::unique_ptr<HeadKernel<S>> divided(const ContextParallel& parallel) const override {
    if constexpr (Has::divided)
      return mixer_.divided(*this, parallel);
    else
      return (void)parallel, nullptr;  // it does not claim that
  }

 protected:  // for kernels that run the mixer on a part of each sequence
  using Has = MixerMembers<M, S>;
  using Saved = typename M::Saved;
  using Held = ViewCopy<Heads<const S>>;

  Mask mask(Index b) const { return resolve(causality_, in_.q.length(b), in_.k.length(b)); }
  bool same_lengths(Index a, Index b) const {
    return in_.q.length(a) == in_.q.length(b) && in_.k.length(a) == in_.k.length(b);
  }
  // Returns true without queries or without keys. The mixer is then not called.
  bool empty(Index b) const { return in_.q.length(b) == 0 || in_.k.length(b) == 0; }
  void prepare(Index b) {
    if constexpr (Has::prepare) mixer_.prepare(in_.q.length(b), in_.k.length(b), mask(b));
  }
  // Calls task(b, h, memory) for all heads of all sequences that are not empty, `group` heads of a sequence
  // in order. Sequences of the same lengths are called together, so that a mixer prepares once for each pair
  // of lengths.
  template <class Task>
  void for_heads(Step<S>& step, Index group, Task&& task);

  Head<S> head(Index b, Index h) const {
    const Index kh = h / shape_.group();
    const double slope = position_ ? position_->slope(h, shape_.heads) : 0;
    const DropoutMask dropout =
        dropout_.p > 0 ? DropoutMask(dropout_, dropout_name_, (dropout_.first + b) * shape_.heads + h)
                       : DropoutMask();
    return {in_.q(b, h), in_.k(b, kh), in_.v(b, kh),    mask(b),       static_cast<S>(slope), b, h, in_.extra,
            dropout,     in_.q,        in_.unrotated_q, kept(held_k_), kept(held_v_)};
  }
  static Heads<const S> kept(const Held& held) { return held ? held.view() : Heads<const S>(); }
  HeadGrad<S> head_grad(const HeadInputs<S>& grad, S* slots, Index b, Index h) const {
    const Index kh = h / shape_.group();
    return {grad.q(b, h), grad.k(b, kh), grad.v(b, kh), params_, slots, b, h, grad.extra, grad.unrotated_q};
  }
  // Rooms for the gradients of the mixer's parameters, one for each of n tasks; their sum, in order. Task i
  // is head i % heads.
  Mat<S> zero_slots(Memory<S>& memory, Index n) const {
    Mat<S> slots = memory.temp(n, param_size_);
    slots.setZero();
    return slots;
  }
  void add_slots(Mat<S> slots, Index heads) const;
  // Returns true if a parameter consists of one block of rows for each head.
  bool has_blocks(const Param<S>& p) const;
  // Returns how many of a sequence's keys a decoder keeps: of a context all.
  Index kept_keys(Index length) const {
    if (!causality_.causal) return length;
    if constexpr (Has::kept_keys)
      return mixer_.kept_keys(length);
    else
      return length;
  }
  Saved& saved(Index b, Index h) const { return saved_[static_cast<std::size_t>(b * shape_.heads + h)]; }

  M mixer_;
  HeadShape shape_;
  std::vector<MixerInput> inputs_;
  Causality causality_;
  const Position<S>* position_;
  std::vector<MixerParam<S>> params_;  // the mixer's own that have a gradient
  Index param_size_ = 0;
  std::string dropout_name_;
  // of the latest forward
  DropoutStep dropout_;
  HeadInputs<const S> in_;
  Held held_k_, held_v_;  // empty unless hold() was called
  std::span<Saved> saved_;
};

template <class M, class S>
HeadLoop<M, S>::HeadLoop(M mixer, const LayerSpec<S>& spec, Params<S>& params)
    : mixer_(std::move(mixer)),
      causality_(spec.causality),
      position_(spec.position),
      dropout_name_(params.full_name("weights")) {
  if constexpr (Has::shape) {
    shape_ = mixer_.shape(spec);
  } else {
    require_divisible(spec.dim, spec.heads);
    shape_ = {spec.heads, spec.dim / spec.heads, spec.dim / spec.heads, 1};
  }
  if (shape_.key_heads == 0) shape_.key_heads = shape_.heads;
  require_key_heads(shape_.key_heads, shape_.heads);
  if constexpr (Has::inputs) inputs_ = mixer_.inputs(spec);
  const std::size_t before = params.infos().size();
  if constexpr (Has::declare) mixer_.declare(spec, params);
  for (std::size_t i = before; i < params.infos().size(); ++i) {
    if (params.infos()[i].role == Role::fixed) continue;  // has no gradient
    const Param<S> p = params.find(params.infos()[i].name);
    params_.push_back({p, has_blocks(p) ? p.rows() / shape_.heads : p.rows()});
    param_size_ += params_.back().size();
  }
}

template <class M, class S>
bool HeadLoop<M, S>::has_blocks(const Param<S>& p) const {
  if constexpr (Has::head_params) {
    for (const Param<S>& own : mixer_.head_params())
      if (own.index() == p.index()) {
        HEED_CHECK(p.rows() % shape_.heads == 0, "a parameter has no block of rows for each head");
        return true;
      }
  }
  return (void)p, false;
}

template <class M, class S>
template <class Task>
void HeadLoop<M, S>::for_heads(Step<S>& step, Index group, Task&& task) {
  const auto run = [&](Index first) {
    step.parallel_for(in_.q.batch * shape_.heads / group, [&](Index g, Memory<S>& memory) {
      const Index b = g * group / shape_.heads;
      if (empty(b) || (Has::prepare && !same_lengths(b, first))) return;
      for (Index i = g * group; i < (g + 1) * group; ++i) {
        typename Memory<S>::Scope head_scope(memory);
        task(b, i % shape_.heads, memory);
      }
    });
  };
  if (!Has::prepare || !(in_.q.starts || in_.k.starts)) {
    prepare(0);
    return run(0);
  }
  for (Index first = 0; first < in_.q.batch; ++first) {
    bool done = empty(first);
    for (Index b = 0; b < first && !done; ++b) done = same_lengths(b, first);
    if (done) continue;
    prepare(first);
    run(first);
  }
}

template <class M, class S>
void HeadLoop<M, S>::normalize(Step<S>& step, Side side, Heads<const S> x, Heads<S> y) {
  if constexpr (Has::normalize)
    step.parallel_for(x.batch * x.heads, [&](Index i, Memory<S>&) {
      const Index b = i / x.heads, h = i % x.heads;
      mixer_.normalize(side, h, x(b, h), y(b, h));
    });
  else
    (void)step, (void)side, (void)x, (void)y;
}

template <class M, class S>
void HeadLoop<M, S>::normalize_backward(Step<S>& step, Side side, Heads<const S> x, Heads<const S> dy,
                                        Heads<S> dx) {
  if constexpr (Has::normalize) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    Mat<S> slots = zero_slots(memory, x.batch * x.heads);
    step.parallel_for(x.batch * x.heads, [&](Index i, Memory<S>&) {
      const Index b = i / x.heads, h = i % x.heads;
      const Mat<S> none = mat<S>(nullptr, 0, 0);
      HeadGrad<S> to{none, none, none, params_, slots.data() + i * param_size_, b, h};
      mixer_.normalize_backward(side, h, x(b, h), dy(b, h), dx(b, h), to);
    });
    add_slots(slots, x.heads);
  } else {
    (void)step, (void)side, (void)x, (void)dy, (void)dx;
  }
}

template <class M, class S>
void HeadLoop<M, S>::forward(Step<S>& step, const HeadInputs<const S>& in, Heads<S> o) {
  in_ = in;
  dropout_ = step.dropout;
  saved_ = step.memory().template keep_span<Saved>(in.q.batch * shape_.heads);
  for (Index b = 0; b < in.q.batch; ++b)
    if (empty(b))
      for (Index h = 0; h < shape_.heads; ++h) o(b, h).setZero();
  for_heads(step, 1, [&](Index b, Index h, Memory<S>& memory) {
    new (&saved(b, h)) Saved(mixer_.forward(head(b, h), o(b, h), memory));
  });
}

// A task is a key head with all query heads that read it. They add to its gradient in order, so tasks share
// nothing and the order of each sum is fixed.
template <class M, class S>
void HeadLoop<M, S>::backward(Step<S>& step, Heads<const S> d_o, const HeadInputs<S>& grad) {
  const Index n = in_.q.batch * shape_.heads;
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  Mat<S> slots = zero_slots(memory, n);
  for_heads(step, shape_.group(), [&](Index b, Index h, Memory<S>& own) {
    HeadGrad<S> to = head_grad(grad, slots.data() + (b * shape_.heads + h) * param_size_, b, h);
    mixer_.backward(head(b, h), saved(b, h), d_o(b, h), to, own);
  });
  add_slots(slots, shape_.heads);
}

template <class M, class S>
void HeadLoop<M, S>::add_slots(Mat<S> slots, Index heads) const {
  Index at = 0;
  for (const MixerParam<S>& p : params_) {
    for (Index i = 0; i < slots.rows(); ++i) {
      const Index first = p.rows == p.param.rows() ? 0 : i % heads * p.rows;
      row_block(p.param.grad(), first, p.rows) +=
          mat(slots.data() + i * param_size_ + at, p.rows, p.param.cols());
    }
    at += p.size();
  }
}

template <class M, class S>
bool HeadLoop<M, S>::weights(Step<S>& step, Index b, Index h, Mat<S> p) {
  if constexpr (Has::weights) {
    if (empty(b)) return p.setZero(), true;
    prepare(b);
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    mixer_.weights(head(b, h), saved(b, h), p, memory);
    return true;
  } else {
    return (void)step, (void)b, (void)h, (void)p, false;
  }
}

// The state of a recurrent mixer is per query head. Kept keys and values are per key head, kept inputs per
// query head. Of a context all keys are kept, or their sum.
template <class M, class S>
Cost HeadLoop<M, S>::cost(Index tq, Index tk) const {
  const HeadSize size{tq, tk, shape_.key, shape_.value, resolve(causality_, tq, tk)};
  Cost one;
  if constexpr (Has::cost)
    one = mixer_.cost(size);
  else
    one = dense_cost(size);
  const double flops = one.flops * static_cast<double>(shape_.heads);
  if (causality_.causal ? Has::decode : SumsKeys<M, S>)
    return {flops, one.state_bytes * static_cast<double>(shape_.heads)};
  if (!causality_.causal) one.state_bytes = 4.0 * static_cast<double>(tk * (shape_.key + shape_.value));
  Index inputs = 0;
  for (const MixerInput& input : inputs_)
    if (input.side == Side::key) inputs += kept_keys(tk) * input.width * shape_.heads;
  return {flops, one.state_bytes * static_cast<double>(shape_.key_heads) + 4.0 * static_cast<double>(inputs)};
}

template <class M, class S>
std::unique_ptr<HeadDecoder<S>> HeadLoop<M, S>::decoder(Index batch, Index length) {
  if (!causality_.causal || causality_.offset.value_or(0) != 0)
    throw Error("decoding token by token needs a causal mask, under which each token sees itself.");
  const DecodedHeads<M, S> heads{mixer_, shape_, inputs_, position_};
  if constexpr (Has::decode) {
    const HeadSize size{length, length, shape_.key, shape_.value, {true, 0}};
    return std::make_unique<RecurrentDecoder<M, S>>(heads, batch, mixer_.state_size(size));
  } else {
    return std::make_unique<KeyValueDecoder<M, S>>(heads, batch, length, kept_keys(length));
  }
}

template <class M, class S>
std::unique_ptr<HeadDecoder<S>> HeadLoop<M, S>::context_decoder(Step<S>& step,
                                                                const HeadInputs<const S>& context) {
  if (causality_.causal)
    throw Error("a causal mask does not say which keys of another sequence a token sees when it is decoded.");
  const DecodedHeads<M, S> heads{mixer_, shape_, inputs_, position_};
  if constexpr (SumsKeys<M, S>) {
    const HeadSize size{1, context.k.time, shape_.key, shape_.value, {}};
    return std::make_unique<ContextStateDecoder<M, S>>(heads, mixer_.state_size(size), step, context);
  } else {
    return (void)step, std::make_unique<ContextKeyValueDecoder<M, S>>(heads, context);
  }
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
