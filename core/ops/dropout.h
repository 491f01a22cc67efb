#pragma once

#include <span>
#include <string_view>

#include "core/dropout.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// x = m x, with m the mask of `name` for each sequence of the pass. The map is its own transpose: backward
// calls it with the gradient.
template <class S>
void apply_dropout(Step<S>& step, std::string_view name, Seq<S> x) {
  if (step.dropout.p == 0) return;
  step.parallel_for(x.batch, [&](Index b, Memory<S>&) {
    const DropoutMask mask(step.dropout, name, step.dropout.first + b);
    Mat<S> rows = x.at(b);
    for (Index t = 0; t < rows.rows(); ++t)
      mask.multiply(t, std::span<S>(rows.row(t).data(), static_cast<std::size_t>(x.dim)));
  });
}

}  // namespace heed
