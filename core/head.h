#pragma once

#include <span>

#include "core/dropout.h"
#include "core/error.h"
#include "core/head_kernel.h"
#include "core/params.h"
#include "core/views.h"

namespace heed {

// One head of one sequence, as forward and backward of a mixer see it.
template <class S>
struct Head {
  ConstMat<S> q, k, v;  // (Tq, key) (Tk, key) (Tk, value)
  Mask mask;
  S slope;             // ALiBi: -slope |i - j| is added to the scaled scores; 0 for none
  Index batch, index;  // which sequence, which head
  std::span<const Heads<const S>> extra = {};  // of all heads; see input()
  DropoutMask dropout = {};                    // of the (Tq,Tk) attention weights, where a mixer has them
  Heads<const S> queries = {};                 // q of all heads, for what heads that share keys do together

  // The n-th of the mixer's inputs() for this head: (Tq, width) on the query side, (Tk, width) on the key
  // side.
  ConstMat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }
};

// Where backward adds.
template <class S>
struct HeadGrad {
  Mat<S> q, k, v;
  std::span<const Param<S>> params;
  S* slots;
  Index batch, index;
  std::span<const Heads<S>> extra = {};

  // The gradient of the n-th input.
  Mat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }

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
};

struct HeadSize {
  Index tq, tk, key, value;
  Mask mask;
};

// Dense scores and weighted sum: 2 Tq Tk (key + value); a causal mask hides half. State: the keys and values
// seen.
Cost dense_cost(const HeadSize& size);

}  // namespace heed
