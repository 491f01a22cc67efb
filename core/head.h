#pragma once

#include <span>

#include "core/dropout.h"
#include "core/error.h"
#include "core/head_kernel.h"
#include "core/params.h"
#include "core/views.h"

namespace heed {

// One head of one sequence: the input of a mixer.
template <class S>
struct Head {
  ConstMat<S> q, k, v;  // (Tq, key) (Tk, key) (Tk, value)
  Mask mask;
  S slope;             // ALiBi: -slope |i - j| is added to the scaled scores; 0 for none
  Index batch, index;  // of the sequence and of the head
  std::span<const Heads<const S>> extra = {};  // of all heads; see input()
  DropoutMask dropout = {};                    // of the (Tq,Tk) attention weights
  Heads<const S> queries = {};                 // q of all heads, for heads that share keys

  // Returns the n-th of the mixer's inputs() for this head: (Tq, width) on the query side, (Tk, width) on the
  // key side.
  ConstMat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }
};

// The gradients of a head, into which backward adds.
template <class S>
struct HeadGrad {
  Mat<S> q, k, v;
  std::span<const Param<S>> params;
  S* slots;
  Index batch, index;
  std::span<const Heads<S>> extra = {};

  // Returns the gradient of the n-th input.
  Mat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }

  // Returns the gradient of a parameter of the mixer: a slot of this head. The slots are summed in order
  // afterwards, so the number of threads changes no bit.
  Mat<S> param(const Param<S>& p) const {
    S* at = slots;
    for (const Param<S>& own : params) {
      if (own.index() == p.index()) return mat(at, own.rows(), own.cols());
      at += own.rows() * own.cols();
    }
    HEED_CHECK(false, "the gradient of a parameter was asked for that the mixer did not declare");
  }
};

struct HeadSize {
  Index tq, tk, key, value;
  Mask mask;
};

// Returns the cost of dense scores and weighted sum: 2 Tq Tk (key + value); a causal mask hides half. State:
// the visible keys and values.
Cost dense_cost(const HeadSize& size);

}  // namespace heed
