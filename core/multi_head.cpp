#include "core/multi_head.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/head_loop.h"

namespace heed {

void require_divisible(Index dim, Index heads) {
  if (heads < 1 || dim % heads != 0)
    throw Error(fmt::format("'heads' is {} but must divide 'dim' ({}).", heads, dim));
}

void require_key_heads(Index key_heads, Index heads) {
  if (key_heads < 1 || heads % key_heads != 0)
    throw Error(fmt::format("'key_heads' is {} but must divide 'heads' ({}).", key_heads, heads));
}

Cost dense_cost(const HeadSize& s) {
  const double pairs = static_cast<double>(visible_pairs(s.tq, s.tk, s.mask));
  return {2 * pairs * static_cast<double>(s.key + s.value),
          4.0 * static_cast<double>(s.tk * (s.key + s.value))};
}

template <class S>
std::unique_ptr<Layer<S>> make_multi_head(std::unique_ptr<HeadKernel<S>> kernel, const LayerSpec<S>& spec,
                                          Params<S>& params) {
  const HeadShape& s = kernel->shape();
  const double stddev = 0.02;
  const double output_stddev = stddev / std::sqrt(2.0 * static_cast<double>(spec.layers));
  Linear<S> q("query", spec.dim, s.heads * s.query_width(), spec.bias, stddev, params);
  Linear<S> k("key", spec.context_dim, s.key_heads * s.key, spec.bias, stddev, params);
  Linear<S> v("value", spec.context_dim, s.key_heads * s.value, spec.bias, stddev, params);
  Linear<S> o("output", s.heads * s.value, spec.dim, spec.bias, output_stddev, params);
  InputProjections<S> inputs(kernel->inputs(), s.heads, spec, params);
  return std::make_unique<MultiHead<Linear<S>, S>>(typename MultiHead<Linear<S>, S>::Projections{q, k, v, o},
                                                   std::move(kernel), spec, std::move(inputs));
}

template std::unique_ptr<Layer<float>> make_multi_head(std::unique_ptr<HeadKernel<float>>,
                                                       const LayerSpec<float>&, Params<float>&);
template std::unique_ptr<Layer<double>> make_multi_head(std::unique_ptr<HeadKernel<double>>,
                                                        const LayerSpec<double>&, Params<double>&);

}  // namespace heed
