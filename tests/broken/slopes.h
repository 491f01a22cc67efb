#pragma once

#include "core/options.h"
#include "core/position.h"
#include "core/registry.h"

namespace heed::broken {

// A position that biases scores, and one that turns queries and keys: what the suite tries a variant with.
template <class S>
class Slopes final : public Position<S> {
 public:
  using Options = NoOptions;
  Slopes(const Options&, const PositionSpec&, Params<S>&) {}
  double slope(Index head, Index) const override { return 0.5 / static_cast<double>(1 + head); }
};

}  // namespace heed::broken
