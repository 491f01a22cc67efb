#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "core/context_split.h"
#include "core/error.h"
#include "core/mixer.h"
#include "variants/parts/ring.h"

namespace heed {

// Some queries of this rank and some keys of another one, of one head, each at neighboring positions.
template <class S>
struct RingBlock {
  // Their q, k, v and mask. Inputs have the rows of all queries of this rank.
  Head<S> head;
  Index row;        // of the first query among this rank's
  Index first_key;  // position of the first key in the sequence
};

// Runs a mixer on one rank's part of each sequence. Keys and values go around a ring of ranks: in step s,
// rank r has those of rank r - s. Derivation and messages: docs/context-parallelism.md.
//
// A mixer makes its sum over keys block by block. It defines
//     Saved begin(const Head<S>& in, std::span<double> of_tokens, Memory<S>&) const
//         the sums over no keys, for all queries of this rank
//     void add(const RingBlock<S>&, const Saved&, Memory<S>&) const
//     void finish(const Head<S>& in, const Saved&, Mat<S> o, Memory<S>&) const
//         writes o when all keys have been added
//     void finish_backward(const Head<S>& in, const Saved&, In<S> d_o, Mat<S> du, HeadGrad<S>&, Memory<S>&)
//     const
//         writes du (Tq,value), what backward passes on to the sums, and adds to the gradients of inputs and
//         parameters
//     void add_backward(const RingBlock<S>&, const Saved&, In<S> du, HeadGrad<S>& block, double* d_of_tokens,
//                       Memory<S>&) const
//         adds to the gradients of the block's q, k, v, and of the numbers of tokens from its first key on.
//         du: all rows of this rank
// and, if scores need one number of every token of the sequence,
//     double of_token(const Head<S>& in, Index t) const
//         that of row t of this rank; `begin` then gets those of all positions, and may change them
//     void of_tokens_backward(std::span<double> d_of_tokens) const
//         in place: from the gradient of what `begin` left to that of what it got
//     void of_token_backward(const Head<S>& in, Index t, double d, HeadGrad<S>&) const
template <class M, class S>
class RingKernel final : public HeadLoop<M, S> {
  using Loop = HeadLoop<M, S>;
  using Saved = typename M::Saved;
  static constexpr bool kOfTokens = requires(const M& m, const Head<S>& in) { m.of_token(in, Index(0)); };

 public:
  // Shares the parameters of `whole`.
  RingKernel(const HeadLoop<M, S>& whole, const ContextParallel& parallel)
      : Loop(whole), parallel_(parallel) {
    HEED_CHECK(this->causality_.offset.value_or(0) == 0, "context parallelism is for self-attention");
  }

  void forward(Step<S>& step, const HeadInputs<const S>& in, Heads<S> o) override {
    require_ring(step, in);
    this->in_ = in;
    const Index heads = this->shape_.heads;
    this->saved_ = step.memory().template keep_span<Saved>(in.q.batch * heads);
    Memory<S> memory = step.memory();
    if constexpr (kOfTokens) gather_tokens(memory);
    step.parallel_for(in.q.batch * heads, [&](Index i, Memory<S>& own) {
      const Index b = i / heads, h = i % heads;
      new (&this->saved(b, h)) Saved(this->mixer_.begin(this->head(b, h), of_tokens(tokens_, b, h), own));
    });

    typename Memory<S>::Scope scope(memory);
    Ring<S> ring(parallel_, in.k, in.v, false, memory);
    for (; ring.step() < parallel_.ranks(); ring.turn())
      step.parallel_for(in.q.batch * heads, [&](Index i, Memory<S>& own) {
        const Index b = i / heads, h = i % heads;
        for_blocks(ring, b, h, [&](const RingBlock<S>& block, Index) {
          typename Memory<S>::Scope block_scope(own);
          this->mixer_.add(block, this->saved(b, h), own);
        });
      });
    step.parallel_for(in.q.batch * heads, [&](Index i, Memory<S>& own) {
      const Index b = i / heads, h = i % heads;
      this->mixer_.finish(this->head(b, h), this->saved(b, h), o(b, h), own);
    });
  }

  // A task is a key head with all query heads that read it, as in HeadLoop. The gradients of keys and values
  // travel with them, and are complete when they come home.
  void backward(Step<S>& step, Heads<const S> d_o, const HeadInputs<S>& grad) override {
    const Heads<const S>& q = this->in_.q;
    const Index heads = this->shape_.heads, group = this->shape_.group();
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    Mat<S> slots = this->zero_slots(memory, q.batch * heads);
    const auto gradient = [&](Index b, Index h) {
      return this->head_grad(grad, slots.data() + (b * heads + h) * this->param_size_, b, h);
    };
    const Heads<S> du =
        memory.temp(Seq<S>{nullptr, q.batch, q.time, 0, q.starts}, heads * d_o.dim).heads(heads);
    step.parallel_for(q.batch * heads, [&](Index i, Memory<S>& own) {
      const Index b = i / heads, h = i % heads;
      HeadGrad<S> to = gradient(b, h);
      this->mixer_.finish_backward(this->head(b, h), this->saved(b, h), d_o(b, h), du(b, h), to, own);
    });

    const std::span<double> d_tokens = memory.template temp_span<double>(std::ssize(tokens_));
    std::ranges::fill(d_tokens, 0.0);
    Ring<S> ring(parallel_, this->in_.k, this->in_.v, true, memory);
    for (; ring.step() < parallel_.ranks(); ring.turn())
      step.parallel_for(q.batch * heads / group, [&](Index g, Memory<S>& own) {
        for (Index i = g * group; i < (g + 1) * group; ++i) {
          const Index b = i / heads, h = i % heads;
          HeadGrad<S> to = gradient(b, h);
          for_blocks(ring, b, h, [&](const RingBlock<S>& block, Index key_row) {
            typename Memory<S>::Scope block_scope(own);
            HeadGrad<S> part = block_grad(ring, block, key_row, to);
            double* const d_tokens_from =
                kOfTokens ? of_tokens(d_tokens, b, h).data() + block.first_key : nullptr;
            this->mixer_.add_backward(block, this->saved(b, h), du(b, h), part, d_tokens_from, own);
          });
        }
      });
    ring.add_gradients(grad.k, grad.v);
    if constexpr (kOfTokens) tokens_backward(d_tokens, gradient);
    this->add_slots(slots, heads);
  }

  // Keys and values go R - 1 times around, and backward once more with their gradients, which then go home.
  // Numbers of tokens are gathered, and their gradients summed.
  double exchanged_bytes(Index length) const override {
    const HeadShape& s = this->shape_;
    const auto n = static_cast<double>(length), turns = static_cast<double>(parallel_.ranks() - 1);
    if (turns == 0) return 0;
    const auto row = static_cast<double>(sizeof(S)) * static_cast<double>(s.key_heads * (s.key + s.value));
    const double of_tokens = kOfTokens ? 3 * turns * 8 * n * static_cast<double>(s.heads) : 0;
    return n * row * (3 * turns + 1) + of_tokens;
  }

  bool weights(Step<S>&, Index, Index, Mat<S>) override { return false; }  // no rank has all of a row
  std::unique_ptr<HeadDecoder<S>> decoder(Index, Index) override {
    throw Error("decoding token by token needs a model on one rank.");
  }

 private:
  void require_ring(const Step<S>& step, const HeadInputs<const S>& in) const {
    if (step.dropout.p > 0)
      throw Error("context parallelism does not support dropout of attention weights: set it to 0.");
    HEED_CHECK(std::ssize(parallel_.lengths) >= in.q.batch,
               "the lengths of the batch's sequences are missing");
    for (Index b = 0; b < in.q.batch; ++b)
      HEED_CHECK(in.q.length(b) == parallel_.own_rows(b) && in.k.length(b) == in.q.length(b),
                 "a part of a sequence has another length than the split says");
  }

  // Calls task(block, row of its first key among the ring's) for all blocks with a visible pair.
  template <class Task>
  void for_blocks(const Ring<S>& ring, Index b, Index h, Task&& task) const {
    const Index kh = h / this->shape_.group(), length = parallel_.length(b);
    const Head<S> in = this->head(b, h);
    const ConstMat<S> k = ring.k(b, kh), v = ring.v(b, kh);
    const ContextSplit& split = parallel_.split;
    Index row = 0;
    for (int i = 0; i < split.pieces(); ++i) {
      const Piece queries = split.piece(length, parallel_.rank(), i);
      Index key_row = 0;
      for (int j = 0; j < split.pieces(); ++j) {
        const Piece keys = split.piece(length, ring.owner(), j);
        const Mask mask{this->causality_.causal, queries.first - keys.first};
        if (visible_pairs(queries.size, keys.size, mask) > 0)
          task(RingBlock<S>{{row_block(in.q, row, queries.size), row_block(k, key_row, keys.size),
                             row_block(v, key_row, keys.size), mask, in.slope, b, h, in.extra},
                            row,
                            keys.first},
               key_row);
        key_row += keys.size;
      }
      row += queries.size;
    }
  }

  HeadGrad<S> block_grad(const Ring<S>& ring, const RingBlock<S>& block, Index key_row,
                         const HeadGrad<S>& to) const {
    const Index b = to.batch, kh = to.index / this->shape_.group();
    const Index keys = block.head.k.rows();
    return {row_block(to.q, block.row, block.head.q.rows()),
            row_block(ring.dk(b, kh), key_row, keys),
            row_block(ring.dv(b, kh), key_row, keys),
            to.params,
            to.slots,
            b,
            to.index};
  }

  // The numbers of all tokens of head h of sequence b, in order of positions, among those of all heads.
  std::span<double> of_tokens(std::span<double> all, Index b, Index h) const {
    if constexpr (!kOfTokens) return all;
    Index first = 0;
    for (Index i = 0; i < b; ++i) first += parallel_.length(i) * this->shape_.heads;
    const Index length = parallel_.length(b);
    return all.subspan(static_cast<std::size_t>(first + h * length), static_cast<std::size_t>(length));
  }

  // Calls task(b, h, positions of a piece) for all heads of all pieces of a rank, in the order of messages.
  template <class Task>
  void for_rank(int rank, Task&& task) const {
    for (Index b = 0; b < this->in_.q.batch; ++b)
      for (Index h = 0; h < this->shape_.heads; ++h)
        for (int i = 0; i < parallel_.split.pieces(); ++i)
          task(b, h, parallel_.split.piece(parallel_.length(b), rank, i));
  }

  void gather_tokens(Memory<S>& memory) {
    const Index heads = this->shape_.heads;
    const std::span<Index> counts = memory.template keep_span<Index>(parallel_.ranks());
    Index all = 0, own_first = 0;
    for (int r = 0; r < parallel_.ranks(); ++r) {
      Index& count = counts[static_cast<std::size_t>(r)];
      count = 0;
      for_rank(r, [&](Index, Index, Piece piece) { count += piece.size; });
      if (r == parallel_.rank()) own_first = all;
      all += count;
    }
    tokens_ = memory.template keep_span<double>(all);
    typename Memory<S>::Scope scope(memory);
    const std::span<double> message = memory.template temp_span<double>(all);
    auto at = message.begin() + own_first;
    for (Index b = 0; b < this->in_.q.batch; ++b)
      for (Index h = 0; h < heads; ++h)
        for (Index t = 0; t < this->in_.q.length(b); ++t) *at++ = this->mixer_.of_token(this->head(b, h), t);
    parallel_.communicator.gather(std::span<const Index>(counts), message);
    auto from = message.begin();
    for (int r = 0; r < parallel_.ranks(); ++r)
      for_rank(r, [&](Index b, Index h, Piece piece) {
        std::copy_n(from, piece.size, of_tokens(tokens_, b, h).begin() + piece.first);
        from += piece.size;
      });
  }

  template <class Gradient>
  void tokens_backward(std::span<double> d_tokens, Gradient&& gradient) const {
    parallel_.communicator.sum(d_tokens);
    Index t = 0;
    for (Index b = 0; b < this->in_.q.batch; ++b)
      for (Index h = 0; h < this->shape_.heads; ++h)
        this->mixer_.of_tokens_backward(of_tokens(d_tokens, b, h));
    Index sequence = -1, head = -1;
    for_rank(parallel_.rank(), [&](Index b, Index h, Piece piece) {
      if (b != sequence || h != head) t = 0;
      sequence = b, head = h;
      HeadGrad<S> to = gradient(b, h);
      for (Index p = piece.first; p < piece.first + piece.size; ++p, ++t)
        this->mixer_.of_token_backward(this->head(b, h), t,
                                       of_tokens(d_tokens, b, h)[static_cast<std::size_t>(p)], to);
    });
  }

  const ContextParallel& parallel_;
  std::span<double> tokens_;  // of the latest forward: one number of every token of every head
};

}  // namespace heed
