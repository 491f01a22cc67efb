#include "core/model/clipping.h"

#include <algorithm>
#include <cmath>

namespace heed {

template <class S>
double gradient_norm(Step<S>& step, const Params<S>& params) {
  constexpr Index kBlock = 4096;  // worth a thread; part of the order of the sum
  const std::span<const S> g = params.grads();
  const Index size = static_cast<Index>(g.size()), blocks = (size + kBlock - 1) / kBlock;
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const std::span<double> sums = memory.template temp_span<double>(blocks);
  step.parallel_for(blocks, [&](Index block, Memory<S>&) {
    const Index from = block * kBlock, n = std::min(kBlock, size - from);
    sums[static_cast<std::size_t>(block)] =
        Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>(g.data() + from, n)
            .template cast<double>()
            .square()
            .sum();
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return std::sqrt(sum);
}

template <class S>
void clip_gradients(Params<S>& params, double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return;
  const std::span<S> g = params.grads();
  Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>(g.data(), static_cast<Index>(g.size())) *=
      static_cast<S>(factor);
}

template double gradient_norm(Step<float>&, const Params<float>&);
template double gradient_norm(Step<double>&, const Params<double>&);
template void clip_gradients(Params<float>&, double, double);
template void clip_gradients(Params<double>&, double, double);

}  // namespace heed
