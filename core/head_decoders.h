#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/head.h"
#include "core/head_kernel.h"
#include "core/mixer_members.h"
#include "core/position.h"

namespace heed {

// The properties of a mixer's heads that the decoders below need.
template <class M, class S>
struct DecodedHeads {
  M& mixer;
  const HeadShape& shape;
  std::span<const MixerInput> inputs;
  const Position<S>* position;

  // Returns head h of sequence b, of one token, or of one query and many keys.
  Head<S> head(const HeadInputs<const S>& in, const Mask& mask, Index b, Index h) const {
    const Index kh = h / shape.group();
    const double slope = position ? position->slope(h, shape.heads) : 0;
    return {in.q(b, h), in.k(b, kh), in.v(b, kh), mask, static_cast<S>(slope), b,
            h,          in.extra,    {},          in.q, in.unrotated_q};
  }
};

// The latest `room` rows of a tensor (B,heads,time,dim), zeros before the first rows arrive.
template <class S>
class LatestRows {
 public:
  LatestRows(Index batch, Index heads, Index room, Index dim)
      : numbers_(static_cast<std::size_t>(batch * heads * room * dim)),
        batch_(batch),
        heads_(heads),
        room_(room),
        dim_(dim) {}

  // Writes row (B,heads,1,dim) at index `at`. If `full`, moves all rows up by one first.
  void push(Heads<const S> row, Index at, bool full) {
    const Index width = heads_ * dim_;
    for (Index b = 0; b < batch_; ++b) {
      S* const rows = numbers_.data() + b * room_ * width;
      if (full) std::copy(rows + width, rows + room_ * width, rows);
      std::copy_n(row.data + b * width, width, rows + at * width);
    }
  }
  Heads<const S> view() const { return {numbers_.data(), batch_, heads_, room_, dim_}; }
  Index numbers_of_sequence() const { return heads_ * room_ * dim_; }

 private:
  std::vector<S> numbers_;
  Index batch_, heads_, room_, dim_;
};

// Keeps keys, values and inputs of the key side, and calls the mixer with one query at a time. The mixer gets
// views of all `room` keys; the mask hides those that have not arrived yet.
template <class M, class S>
class KeyValueDecoder final : public HeadDecoder<S> {
 public:
  // room: how many of the latest keys are kept; length: of the longest sequence
  KeyValueDecoder(const DecodedHeads<M, S>& heads, Index batch, Index length, Index room)
      : heads_(heads),
        length_(length),
        room_(room),
        k_(batch, heads.shape.key_heads, room, heads.shape.key),
        v_(batch, heads.shape.key_heads, room, heads.shape.value),
        extra_(heads.inputs.size()) {
    for (const MixerInput& input : heads.inputs)
      if (input.side == Side::key) inputs_.emplace_back(batch, heads.shape.heads, room, input.width);
  }

  void next(Step<S>& step, const HeadInputs<const S>& token, Heads<S> o) override {
    HEED_CHECK(seen_ < length_, "a decoder reads more tokens than it was made for");
    const bool full = seen_ >= room_;
    const Index at = full ? room_ - 1 : seen_;
    ++seen_;
    k_.push(token.k, at, full), v_.push(token.v, at, full);
    std::size_t kept = 0;
    for (std::size_t n = 0; n < extra_.size(); ++n) {
      extra_[n] = token.extra[n];
      if (heads_.inputs[n].side == Side::query) continue;
      inputs_[kept].push(token.extra[n], at, full);
      extra_[n] = inputs_[kept++].view();
    }
    const HeadInputs<const S> in{token.q, k_.view(), v_.view(), extra_, token.unrotated_q};
    const Mask mask{true, at};
    if constexpr (MixerMembers<M, S>::prepare) heads_.mixer.prepare(1, room_, mask);
    step.parallel_for(o.batch * o.heads, [&](Index i, Memory<S>& memory) {
      const Index b = i / o.heads, h = i % o.heads;
      heads_.mixer.forward(heads_.head(in, mask, b, h), o(b, h), memory);
    });
  }

  double state_bytes() const override {
    Index numbers = k_.numbers_of_sequence() + v_.numbers_of_sequence();
    for (const LatestRows<S>& rows : inputs_) numbers += rows.numbers_of_sequence();
    return 4.0 * static_cast<double>(numbers);
  }

 private:
  DecodedHeads<M, S> heads_;
  Index length_, room_, seen_ = 0;
  LatestRows<S> k_, v_;
  std::vector<LatestRows<S>> inputs_;  // of the key side
  std::vector<Heads<const S>> extra_;  // all inputs, as the mixer gets them
};

// The decoder of a mixer with a recurrent form: keeps its state, which starts at zero.
template <class M, class S>
class RecurrentDecoder final : public HeadDecoder<S> {
 public:
  RecurrentDecoder(const DecodedHeads<M, S>& heads, Index batch, Index state_size)
      : heads_(heads),
        size_(static_cast<std::size_t>(state_size)),
        states_(static_cast<std::size_t>(batch * heads.shape.heads) * size_) {}

  void next(Step<S>& step, const HeadInputs<const S>& token, Heads<S> o) override {
    const Mask mask{true, seen_++};  // the token's position
    step.parallel_for(o.batch * o.heads, [&](Index i, Memory<S>& memory) {
      const Index b = i / o.heads, h = i % o.heads;
      const std::span<S> state(states_.data() + static_cast<std::size_t>(i) * size_, size_);
      heads_.mixer.decode(heads_.head(token, mask, b, h), state, o(b, h), memory);
    });
  }

  double state_bytes() const override {
    return 4.0 * static_cast<double>(size_) * static_cast<double>(heads_.shape.heads);
  }

 private:
  DecodedHeads<M, S> heads_;
  std::size_t size_;
  std::vector<S> states_;  // (B,heads,size)
  Index seen_ = 0;
};

}  // namespace heed
