#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/views.h"

namespace heed {

// Joins the softmax over two sets of keys to the softmax over both. o (Tq,V) and lse (1,Tq) of one set become
// those of both.
//     lse' = log(exp(lse) + exp(lse_2))      o' = exp(lse - lse') o + exp(lse_2 - lse') o_2
// Backward has no code of its own: softmax_backward of each set, given o' and lse', uses the joint weights
// p = exp(s - lse') and D = do.o' of its keys.
template <class S>
void join_softmax(In<S> o_2, In<S> lse_2, Mat<S> o, Mat<S> lse) {
  for (Index i = 0; i < o.rows(); ++i) {
    const S max = std::max(lse(0, i), lse_2(0, i));
    if (max == -std::numeric_limits<S>::infinity()) continue;  // sees no key at all
    const S one = std::exp(lse(0, i) - max), two = std::exp(lse_2(0, i) - max);
    o.row(i) = one / (one + two) * o.row(i) + two / (one + two) * o_2.row(i);
    lse(0, i) = max + std::log(one + two);
  }
}

}  // namespace heed
