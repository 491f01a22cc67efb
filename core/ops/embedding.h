#pragma once

#include <cassert>
#include <span>

#include "core/task.h"
#include "core/views.h"

namespace heed {

// x[r] = table[tokens[r]].   table (V,C)  tokens (R)  x (R,C)
template <class S>
void embed(In<S> table, std::span<const Token> tokens, Mat<S> x) {
  for (Index r = 0; r < x.rows(); ++r) {
    const Token token = tokens[static_cast<std::size_t>(r)];
    assert(token >= 0 && token < table.rows());
    x.row(r) = table.row(token);
  }
}

// dtable[tokens[r]] += dx[r], in the order of the rows
template <class S>
void embed_backward(std::span<const Token> tokens, In<S> dx, Mat<S> dtable) {
  for (Index r = 0; r < dx.rows(); ++r) dtable.row(tokens[static_cast<std::size_t>(r)]) += dx.row(r);
}

}  // namespace heed
