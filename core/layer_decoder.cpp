#include "core/layer_decoder.h"

#include <algorithm>

#include "core/layer.h"

namespace heed {

template <class S>
void PositionwiseDecoder<S>::next(Step<S>& step, Seq<const S> x, Seq<S> y) {
  layer_.forward(step, x, x, y);
}

template <class S>
void RepeatingDecoder<S>::next(Step<S>& step, Seq<const S> x, Seq<S> y) {
  Memory<S> memory = step.memory();
  dim_ = x.dim;
  const Index time = ++seen_;
  const Seq<S> all = memory.keep(x.batch, time, dim_), out = memory.keep(x.batch, time, dim_);
  for (Index b = 0; b < x.batch; ++b) {
    std::vector<S>& rows = rows_[static_cast<std::size_t>(b)];
    rows.insert(rows.end(), x.data + b * dim_, x.data + (b + 1) * dim_);
    std::ranges::copy(rows, all.at(b).data());
  }
  layer_.forward(step, all, context_ ? context_.view() : all, out);
  for (Index b = 0; b < x.batch; ++b) y.at(b).row(0) = out.at(b).row(time - 1);
}

template class PositionwiseDecoder<float>;
template class PositionwiseDecoder<double>;
template class RepeatingDecoder<float>;
template class RepeatingDecoder<double>;

}  // namespace heed
