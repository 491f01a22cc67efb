// A layer that does nothing, y = x: what the faulty ones of this folder are but for one thing.
#pragma once

#include "core/register.h"

namespace heed::faulty {

template <class S>
class Pass : public Layer<S> {
 public:
  using Options = NoOptions;
  Pass(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += dy.rows(); }
  Cost cost(Index, Index) const override { return {}; }
  static Traits traits(const Options&) { return {.cross = false}; }
};

}  // namespace heed::faulty
