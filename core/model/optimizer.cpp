#include "core/model/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/model/growth.h"

namespace heed {
namespace {

// Numbers of a task: large enough to be worth a thread, small enough to stay in the first-level cache.
constexpr Index kBlock = 4096;

}  // namespace

template <class S>
AdamW<S>::AdamW(Params<S>& params, const AdamWOptions& options) : params_(params), options_(options) {
  const std::size_t n = static_cast<std::size_t>(params.size());
  m_ = static_cast<S*>(arena_.allocate(2 * n * sizeof(S)));
  v_ = m_ + n;
  std::fill(m_, v_ + n, S(0));
}

template <class S>
void AdamW<S>::update(Step<S>& step, double lr) {
  using Numbers = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
  ++updates_;
  // 1 - beta is rounded, not taken from the rounded beta: 1 - 0.999f is wrong by 1e-5.
  const S b1 = static_cast<S>(options_.beta1), b2 = static_cast<S>(options_.beta2),
          c1 = static_cast<S>(1 - options_.beta1), c2 = static_cast<S>(1 - options_.beta2),
          eps = static_cast<S>(options_.eps);
  const double t = static_cast<double>(updates_);
  const S step_size = static_cast<S>(lr / (1 - std::pow(options_.beta1, t)));
  const S root_scale = static_cast<S>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
  for (const ParamInfo& p : params_.infos()) {
    if (p.role == Role::fixed) continue;
    const S keep = p.role == Role::decayed ? static_cast<S>(1 - lr * options_.weight_decay) : S(1);
    const Index size = p.rows * p.cols;
    step.parallel_for((size + kBlock - 1) / kBlock, [&](Index block, Memory<S>&) {
      const Index from = p.offset + block * kBlock, n = std::min(kBlock, p.offset + size - from);
      Numbers value(params_.values().data() + from, n), m(m_ + from, n), v(v_ + from, n);
      const Numbers g(params_.grads().data() + from, n);
      m = b1 * m + c1 * g;
      v = b2 * v + c2 * g.square();
      value = keep * value - step_size * m / (v.sqrt() * root_scale + eps);
    });
  }
}

template <class S>
void AdamW<S>::grow_from(const AdamW& smaller) {
  copy_old_rows<S>(smaller.params_.infos(), smaller.first_moment(), params_.infos(), first_moment());
  copy_old_rows<S>(smaller.params_.infos(), smaller.second_moment(), params_.infos(), second_moment());
  updates_ = smaller.updates_;
}

template <class S>
double gradient_norm(Step<S>& step, const Params<S>& params) {
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

double warmup_cosine(Index s, Index warmup, Index total, double peak, double floor) {
  if (s < warmup) return peak * static_cast<double>(s + 1) / static_cast<double>(warmup);
  if (s >= total) return floor;
  const double share = static_cast<double>(s - warmup) / static_cast<double>(total - warmup);
  return floor + 0.5 * (peak - floor) * (1 + std::cos(std::numbers::pi * share));
}

template class AdamW<float>;
template class AdamW<double>;
template double gradient_norm(Step<float>&, const Params<float>&);
template double gradient_norm(Step<double>&, const Params<double>&);
template void clip_gradients(Params<float>&, double, double);
template void clip_gradients(Params<double>&, double, double);

}  // namespace heed
