#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "core/head_decoders.h"
#include "core/mixer_members.h"
#include "core/view_copy.h"

namespace heed {

// Keeps the keys, values and inputs of the key side of a whole context, and calls the mixer with one query of
// each sequence at a time. Sequences of a context may have different lengths.
template <class M, class S>
class ContextKeyValueDecoder final : public HeadDecoder<S> {
 public:
  ContextKeyValueDecoder(const DecodedHeads<M, S>& heads, const HeadInputs<const S>& context)
      : heads_(heads), k_(context.k), v_(context.v), extra_(heads.inputs.size()) {
    for (std::size_t n = 0; n < extra_.size(); ++n)
      if (heads.inputs[n].side == Side::key) inputs_.emplace_back(context.extra[n]);
    for (Index b = 0; b < context.k.batch; ++b) lengths_.push_back(context.k.length(b));
    std::ranges::sort(lengths_);
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  }

  void next(Step<S>& step, const HeadInputs<const S>& token, Heads<S> o) override {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < extra_.size(); ++n)
      extra_[n] = heads_.inputs[n].side == Side::key ? inputs_[kept++].view() : token.extra[n];
    const HeadInputs<const S> in{token.q, k_.view(), v_.view(), extra_, token.unrotated_q};
    const Mask mask{false, seen_++};
    if constexpr (MixerMembers<M, S>::prepare) {
      for (const Index length : lengths_) {
        if (length > 0) heads_.mixer.prepare(1, length, mask);
        run(step, in, mask, o, [&](Index keys) { return keys == length; });
      }
    } else {
      run(step, in, mask, o, [](Index) { return true; });
    }
  }

  double state_bytes() const override {
    Index numbers = 0;
    const auto add = [&](const Heads<const S>& kept) { numbers += kept.time * kept.heads * kept.dim; };
    add(k_.view()), add(v_.view());
    for (const auto& input : inputs_) add(input.view());
    return 4.0 * static_cast<double>(numbers);
  }

 private:
  // Runs the mixer on the sequences that are `chosen` by their number of keys.
  template <class Chosen>
  void run(Step<S>& step, const HeadInputs<const S>& in, const Mask& mask, Heads<S> o, Chosen&& chosen) {
    step.parallel_for(o.batch * o.heads, [&](Index i, Memory<S>& memory) {
      const Index b = i / o.heads, h = i % o.heads, keys = in.k.length(b);
      if (!chosen(keys)) return;
      if (keys > 0)
        heads_.mixer.forward(heads_.head(in, mask, b, h), o(b, h), memory);
      else
        o(b, h).setZero();
    });
  }

  DecodedHeads<M, S> heads_;
  ViewCopy<Heads<const S>> k_, v_;
  std::vector<ViewCopy<Heads<const S>>> inputs_;  // of the key side
  std::vector<Heads<const S>> extra_;             // all inputs, as the mixer gets them
  std::vector<Index> lengths_;                    // of the context, each once
  Index seen_ = 0;
};

// The decoder of a mixer that SumsKeys: keeps that sum over the context, whatever its length.
template <class M, class S>
class ContextStateDecoder final : public HeadDecoder<S> {
 public:
  ContextStateDecoder(const DecodedHeads<M, S>& heads, Index state_size, Step<S>& step,
                      const HeadInputs<const S>& context)
      : heads_(heads),
        size_(static_cast<std::size_t>(state_size)),
        states_(static_cast<std::size_t>(context.k.batch * heads.shape.heads) * size_),
        row_(static_cast<std::size_t>(heads.shape.key_heads * std::max(heads.shape.key, heads.shape.value))) {
    for (const MixerInput& input : heads.inputs)
      HEED_CHECK(input.side == Side::query, "a sum over keys needs inputs of the key side");
    for (Index b = 0; b < context.k.batch; ++b) empty_.push_back(context.k.length(b) == 0);
    const Index n = heads.shape.heads;
    step.parallel_for(context.k.batch * n, [&](Index i, Memory<S>& memory) {
      heads_.mixer.add_keys(heads_.head(context, {}, i / n, i % n), state(i), memory);
    });
  }

  void next(Step<S>& step, const HeadInputs<const S>& token, Heads<S> o) override {
    // No keys and values, but with their widths.
    const HeadShape& s = heads_.shape;
    const HeadInputs<const S> in{token.q,
                                 {row_.data(), o.batch, s.key_heads, 0, s.key},
                                 {row_.data(), o.batch, s.key_heads, 0, s.value},
                                 token.extra,
                                 token.unrotated_q};
    const Mask mask{false, seen_++};
    step.parallel_for(o.batch * o.heads, [&](Index i, Memory<S>& memory) {
      const Index b = i / o.heads, h = i % o.heads;
      if (empty_[static_cast<std::size_t>(b)])
        o(b, h).setZero();
      else
        heads_.mixer.forward_from(heads_.head(in, mask, b, h), state(i), o(b, h), memory);
    });
  }

  double state_bytes() const override {
    return 4.0 * static_cast<double>(size_) * static_cast<double>(heads_.shape.heads);
  }

 private:
  std::span<S> state(Index i) {
    return std::span(states_).subspan(static_cast<std::size_t>(i) * size_, size_);
  }

  DecodedHeads<M, S> heads_;
  std::size_t size_;
  std::vector<S> states_;  // (B,heads,size)
  std::vector<S> row_;     // never read: where the views without keys begin
  std::vector<char> empty_;
  Index seen_ = 0;
};

}  // namespace heed
