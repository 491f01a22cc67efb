#pragma once

#include <utility>

#include "core/model/block.h"

namespace heed {

// A block without a context, as y = op(x) with a backward that adds into dx.
template <class S>
struct SelfBlock {
  explicit SelfBlock(Block<S> of) : block(std::move(of)) {}

  void forward(Step<S>& step, Seq<const S> x, Seq<S> y) { block.forward(step, x, {}, y); }
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> d = memory.temp(dy, dy.dim);
    d.rows() = dy.rows();
    block.backward(step, d, {});
    dx.rows() += d.rows();
  }

  Block<S> block;
};

}  // namespace heed
