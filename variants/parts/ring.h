#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include "core/context_split.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// The keys and values that one rank works on, all heads of all sequences: in step s of a ring, those of rank
// r - s. In backward their gradients travel with them.
template <class S>
class Ring {
 public:
  // Begins with copies of this rank's own. Requires: the memory's scope outlives the ring.
  Ring(const ContextParallel& parallel, Heads<const S> k, Heads<const S> v, bool gradients, Memory<S>& memory)
      : parallel_(parallel),
        k_{nullptr, k.batch, k.heads, k.time, k.dim},
        v_{nullptr, v.batch, v.heads, v.time, v.dim},
        gradients_(gradients),
        starts_(memory.template temp_span<Index>(parallel.ranks() * (k.batch + 1))) {
    for (int r = 0; r < parallel.ranks(); ++r) {
      const std::span<Index> own = starts(r);
      own[0] = 0;
      for (Index b = 0; b < k.batch; ++b)
        own[at(b + 1)] = own[at(b)] + parallel.split.size(parallel.length(b), r);
    }
    Index most = 0;
    for (int r = 0; r < parallel.ranks(); ++r) most = std::max(most, rows(r));
    now_ = memory.template temp_span<S>(most * width() * (gradients ? 2 : 1));
    coming_ = memory.template temp_span<S>(std::ssize(now_));
    std::copy_n(k.data, rows(owner()) * k.heads * k.dim, now_.data());
    std::copy_n(v.data, rows(owner()) * v.heads * v.dim, now_.data() + rows(owner()) * k.heads * k.dim);
    if (gradients) std::ranges::fill(gradient_part(now_, owner()), S(0));
  }

  int step() const { return step_; }  // from 0 on
  int owner() const { return owner_of(step_); }

  // One head's of the owner, (length, dim).
  ConstMat<S> k(Index b, Index h) const { return view(k_, 0)(b, h); }
  ConstMat<S> v(Index b, Index h) const { return view(v_, key_width())(b, h); }
  Mat<S> dk(Index b, Index h) const { return view(k_, width())(b, h); }
  Mat<S> dv(Index b, Index h) const { return view(v_, width() + key_width())(b, h); }

  // Ends a step. After the last one only gradients are passed on: they come home.
  void turn() {
    const int from = owner(), to = owner_of(step_ + 1);
    ++step_;
    if (parallel_.ranks() == 1) return;
    const bool home = step_ == parallel_.ranks();
    if (home && !gradients_) return;
    if (home)
      parallel_.communicator.pass_on<S>(gradient_part(now_, from), gradient_part(coming_, to));
    else
      parallel_.communicator.pass_on<S>(now_.first(at(numbers(from))), coming_.first(at(numbers(to))));
    std::swap(now_, coming_);
  }

  // Adds the gradients of this rank's own keys and values. Requires: all steps have ended.
  void add_gradients(Heads<S> to_k, Heads<S> to_v) const {
    for (Index b = 0; b < k_.batch; ++b)
      for (Index h = 0; h < k_.heads; ++h) to_k(b, h) += dk(b, h), to_v(b, h) += dv(b, h);
  }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  Index key_width() const { return k_.heads * k_.dim; }
  Index width() const { return key_width() + v_.heads * v_.dim; }
  std::span<Index> starts(int r) const { return starts_.subspan(at(r * (k_.batch + 1)), at(k_.batch + 1)); }
  Index rows(int r) const { return starts(r)[at(k_.batch)]; }
  Index numbers(int r) const { return rows(r) * width() * (gradients_ ? 2 : 1); }
  int owner_of(int step) const {
    return (parallel_.rank() - step % parallel_.ranks() + parallel_.ranks()) % parallel_.ranks();
  }
  // A message is all keys, then all values, then their gradients in the same order.
  std::span<S> gradient_part(std::span<S> message, int r) const {
    return message.subspan(at(rows(r) * width()), at(rows(r) * width()));
  }
  Heads<S> view(Heads<S> like, Index columns_before) const {
    like.data = now_.data() + rows(owner()) * columns_before;
    like.starts = starts(owner()).data();
    return like;
  }

  const ContextParallel& parallel_;
  Heads<S> k_, v_;  // shapes only
  bool gradients_;
  std::span<Index> starts_;  // of the sequences among the rows of each rank
  std::span<S> now_, coming_;
  int step_ = 0;
};

}  // namespace heed
