#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>

#include "core/context_split.h"
#include "core/error.h"
#include "core/mixer.h"

namespace heed {

// Runs a mixer on one rank's contiguous part of each sequence, if all that its tokens need of earlier ones is
// a state of fixed size: it goes from rank to rank, and its gradient back. docs/context-parallelism.md.
//
// Besides state_size, which it has for decoding, a mixer defines
//     Saved forward_from(const Head<S>& in, std::span<S> state, Mat<S> o, Memory<S>&) const
//         the state before the first token becomes that after the last
//     void backward_from(const Head<S>& in, const Saved&, In<S> d_o, std::span<S> d_state, HeadGrad<S>&,
//                        Memory<S>&) const
//         the gradient of the state after the last token becomes that of the state before the first
// and, if it can do without a mask, when the state of all keys is the sum over the ranks,
//     void add_keys(const Head<S>& in, std::span<S> state, Memory<S>&) const
//         forward_from then gets the sum, and leaves it as it is. Decoding with a context needs both, too
//     void queries_backward(const Head<S>& in, const Saved&, In<S> d_o, std::span<S> d_state, HeadGrad<S>&,
//                           Memory<S>&) const
//         adds to d_state
//     void keys_backward(const Head<S>& in, std::span<const S> d_state, HeadGrad<S>&, Memory<S>&) const
template <class M, class S>
class StateKernel final : public HeadLoop<M, S> {
  using Loop = HeadLoop<M, S>;
  using Saved = typename M::Saved;
  static constexpr bool kSums = SumsKeys<M, S>;

 public:
  // Shares the parameters of `whole`.
  StateKernel(const HeadLoop<M, S>& whole, const ContextParallel& parallel)
      : Loop(whole), parallel_(parallel) {
    HEED_CHECK(this->causality_.offset.value_or(0) == 0, "context parallelism is for self-attention");
    HEED_CHECK(this->shape_.group() == 1, "heads that share keys would share gradients");
  }

  void forward(Step<S>& step, const HeadInputs<const S>& in, Heads<S> o) override {
    for (Index b = 0; b < in.q.batch; ++b)
      HEED_CHECK(in.q.length(b) == parallel_.own_rows(b) && in.k.length(b) == in.q.length(b),
                 "a part of a sequence has another length than the split says");
    this->in_ = in;
    this->saved_ = step.memory().template keep_span<Saved>(in.q.batch * this->shape_.heads);
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const std::span<S> states = zero_states(memory);
    if constexpr (kSums)
      if (!this->causality_.causal) {
        for_own(step, [&](Index b, Index h, Memory<S>& own) {
          this->mixer_.add_keys(this->head(b, h), state_of(states, b, h), own);
        });
        parallel_.communicator.sum(states);
      }
    receive(states, parallel_.rank() - 1);
    for_own(step, [&](Index b, Index h, Memory<S>& own) {
      new (&this->saved(b, h))
          Saved(this->mixer_.forward_from(this->head(b, h), state_of(states, b, h), o(b, h), own));
    });
    send(states, parallel_.rank() + 1);
  }

  void backward(Step<S>& step, Heads<const S> d_o, const HeadInputs<S>& grad) override {
    const Index heads = this->shape_.heads;
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    Mat<S> slots = this->zero_slots(memory, this->in_.q.batch * heads);
    const auto gradient = [&](Index b, Index h) {
      return this->head_grad(grad, slots.data() + (b * heads + h) * this->param_size_, b, h);
    };
    const std::span<S> d_states = zero_states(memory);
    if (this->causality_.causal) {
      receive(d_states, parallel_.rank() + 1);
      for_own(step, [&](Index b, Index h, Memory<S>& own) {
        HeadGrad<S> to = gradient(b, h);
        this->mixer_.backward_from(this->head(b, h), this->saved(b, h), d_o(b, h), state_of(d_states, b, h),
                                   to, own);
      });
      send(d_states, parallel_.rank() - 1);
    } else if constexpr (kSums) {
      for_own(step, [&](Index b, Index h, Memory<S>& own) {
        HeadGrad<S> to = gradient(b, h);
        this->mixer_.queries_backward(this->head(b, h), this->saved(b, h), d_o(b, h),
                                      state_of(d_states, b, h), to, own);
      });
      parallel_.communicator.sum(d_states);
      for_own(step, [&](Index b, Index h, Memory<S>& own) {
        HeadGrad<S> to = gradient(b, h);
        this->mixer_.keys_backward(this->head(b, h), state_of(d_states, b, h), to, own);
      });
    }
    this->add_slots(slots, heads);
  }

  // A state goes from rank to rank and its gradient back; without a mask both are sums over the ranks.
  double exchanged_bytes(Index) const override {
    const auto state =
        static_cast<double>(sizeof(S)) * static_cast<double>(this->shape_.heads * state_size());
    return static_cast<double>((parallel_.ranks() - 1) * (this->causality_.causal ? 2 : 4)) * state;
  }

  bool weights(Step<S>&, Index, Index, Mat<S>) override { return false; }  // no rank has all of a row
  std::unique_ptr<HeadDecoder<S>> decoder(Index, Index) override {
    throw Error("decoding token by token needs a model on one rank.");
  }

 private:
  Index state_size() const {
    return this->mixer_.state_size(
        {1, 1, this->shape_.key, this->shape_.value, {this->causality_.causal, 0}});
  }
  std::span<S> zero_states(Memory<S>& memory) const {
    const std::span<S> states =
        memory.template temp_span<S>(this->in_.q.batch * this->shape_.heads * state_size());
    std::ranges::fill(states, S(0));
    return states;
  }
  std::span<S> state_of(std::span<S> states, Index b, Index h) const {
    const std::size_t size = static_cast<std::size_t>(state_size());
    return states.subspan(static_cast<std::size_t>(b * this->shape_.heads + h) * size, size);
  }
  // Calls task(b, h, memory) for all heads of the sequences of which this rank has tokens.
  template <class Task>
  void for_own(Step<S>& step, Task&& task) const {
    const Index heads = this->shape_.heads;
    step.parallel_for(this->in_.q.batch * heads, [&](Index i, Memory<S>& own) {
      if (this->in_.q.length(i / heads) > 0) task(i / heads, i % heads, own);
    });
  }
  // Pass states on in the order of tokens, or of gradients backward. Without a mask there is no such order.
  void receive(std::span<S> states, int from) const {
    if (this->causality_.causal && from >= 0 && from < parallel_.ranks())
      parallel_.communicator.template receive<S>(from, states);
  }
  void send(std::span<const S> states, int to) const {
    if (this->causality_.causal && to >= 0 && to < parallel_.ranks())
      parallel_.communicator.template send<S>(to, states);
  }

  const ContextParallel& parallel_;
};

}  // namespace heed
