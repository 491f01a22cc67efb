#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "core/views.h"

namespace heed {

// A few sequences of a batch, the longest first: those that have a token at time t are the first ones. Work
// is divided over threads by groups.
class SequenceGroup {
 public:
  static constexpr Index kMost = 16;
  // As few groups as possible, but one for each thread. That is the one place where work depends on the
  // number of threads. It changes no bits: what is computed for a sequence does not depend on the others of
  // its group (core/ops/product.h).
  static Index count(Index batch, int threads = 1) {
    return std::max((batch + kMost - 1) / kMost, std::min<Index>(threads, batch));
  }

  // Group `number` of `groups`, which are nearly equal.
  template <class X>
  SequenceGroup(const Seq<X>& x, Index number, Index groups) {
    const Index from = number * x.batch / groups;
    size_ = (number + 1) * x.batch / groups - from;
    const std::span members(members_.data(), static_cast<std::size_t>(size_));
    for (Index b = from; Member & m : members) m = {x.length(b), b, x.start(b)}, ++b;
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
      return a.length != b.length ? a.length > b.length : a.sequence < b.sequence;
    });
  }

  Index size() const { return size_; }
  Index longest() const { return members_[0].length; }
  Index sequence(Index r) const { return at(r).sequence; }       // its number in the batch
  Index row(Index r, Index t) const { return at(r).start + t; }  // of its token at time t
  Index running(Index t) const {                                 // how many have a token at time t
    Index n = size_;
    while (n > 0 && at(n - 1).length <= t) --n;
    return n;
  }

 private:
  struct Member {
    Index length = 0, sequence = 0, start = 0;
  };
  const Member& at(Index r) const { return members_[static_cast<std::size_t>(r)]; }

  std::array<Member, kMost> members_ = {};
  Index size_ = 0;
};

}  // namespace heed
