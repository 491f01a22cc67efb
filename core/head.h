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
  Heads<const S> unrotated = {};               // of all heads; see unrotated_q()
  Heads<const S> held_k = {}, held_v = {};     // of all heads; see stored_k()

  // Returns the n-th of the mixer's inputs() for this head: (Tq, width) on the query side, (Tk, width) on the
  // key side.
  ConstMat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }

  // Returns q before positions rotate it, for a mixer that asks for it (reads_unrotated); else q.
  ConstMat<S> unrotated_q() const { return unrotated.data ? unrotated(batch, index) : q; }

  // Return k and v, for a use that backward treats as constant. They differ from k and v only while a
  // gradient check holds them (HeadKernel::hold).
  ConstMat<S> stored_k() const { return held_k.data ? held(held_k) : k; }
  ConstMat<S> stored_v() const { return held_v.data ? held(held_v) : v; }

 private:
  ConstMat<S> held(const Heads<const S>& all) const { return all(batch, index * all.heads / queries.heads); }
};

// A parameter of a mixer, and how many rows of its gradient a head has: all, or those of its own block
// (head_params in core/mixer.h).
template <class S>
struct MixerParam {
  Param<S> param;
  Index rows;
  Index size() const { return rows * param.cols(); }
};

// The gradients of a head, into which backward adds.
template <class S>
struct HeadGrad {
  Mat<S> q, k, v;
  std::span<const MixerParam<S>> params;
  S* slots;
  Index batch, index;
  std::span<const Heads<S>> extra = {};
  Heads<S> unrotated = {};

  // Returns the gradient of the n-th input.
  Mat<S> input(Index n) const { return extra[static_cast<std::size_t>(n)](batch, index); }

  // Returns the gradient of unrotated_q().
  Mat<S> unrotated_q() const { return unrotated.data ? unrotated(batch, index) : q; }

  // Returns the gradient of a parameter of the mixer: a slot of this head. The slots are summed in order
  // afterwards, so the number of threads changes no bit.
  Mat<S> param(const Param<S>& p) const {
    S* at = slots;
    for (const MixerParam<S>& own : params) {
      if (own.param.index() == p.index()) return mat(at, own.rows, p.cols());
      at += own.size();
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
