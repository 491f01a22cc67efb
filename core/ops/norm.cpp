#include "core/ops/norm.h"

#include <algorithm>
#include <cmath>

namespace heed {
namespace {

constexpr Index kBlock = 64;  // rows of a task

template <class S>
using Row = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using MutableRow = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;

}  // namespace

template <class S>
Norm<S>::Norm(std::string_view name, Index dim, const NormSpec& spec, Params<S>& params) : spec_(spec) {
  const auto scope = params.scope(name, Component::norms);
  if (spec.gain) gain_ = params.declare("gain", 1, dim, Init::ones(), Role::undecayed);
  if (spec.gain && spec.bias && spec.kind == NormKind::layer)
    bias_ = params.declare("bias", 1, dim, Init::zeros(), Role::undecayed);
}

template <class S>
void Norm<S>::forward(Step<S>& step, Seq<const S> x, Seq<S> y) {
  x_ = x;
  const Index rows = x.row_count(), dim = x.dim;
  mean_ = step.memory().template keep_span<S>(x.batch * x.time);
  scale_ = step.memory().template keep_span<S>(x.batch * x.time);
  const S* gain = gain_ ? gain_.value().data() : nullptr;
  const S* bias = bias_ ? bias_.value().data() : nullptr;
  step.parallel_for((rows + kBlock - 1) / kBlock, [&](Index block, Memory<S>&) {
    for (Index r = block * kBlock; r < std::min(rows, (block + 1) * kBlock); ++r) {
      const Row<S> in(x.data + r * dim, dim);
      MutableRow<S> out(y.data + r * dim, dim);
      // + 0: Eigen's sum of an array depends on its alignment; the sum of an expression does not.
      const S mean = spec_.kind == NormKind::layer ? (in + S(0)).mean() : S(0);
      const S scale = 1 / std::sqrt((in - mean).square().mean() + static_cast<S>(spec_.eps));
      out = (in - mean) * scale;
      if (gain) out *= Row<S>(gain, dim);
      if (bias) out += Row<S>(bias, dim);
      mean_[static_cast<std::size_t>(r)] = mean;
      scale_[static_cast<std::size_t>(r)] = scale;
    }
  });
}

// With e = gain * dy:   dx += scale (e - mean e - z mean(e z)), the term `mean e` only for layer norm;
// dgain += sum over rows of dy * z,   dbias += sum over rows of dy. Each task sums its rows into a slot; the
// slots are added in order.
template <class S>
void Norm<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  const Index rows = x_.row_count(), dim = x_.dim, blocks = (rows + kBlock - 1) / kBlock;
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  Mat<S> gain_slots = memory.temp(blocks, dim), bias_slots = memory.temp(blocks, dim);
  const S* gain = gain_ ? gain_.value().data() : nullptr;
  step.parallel_for(blocks, [&](Index block, Memory<S>& own) {
    MutableRow<S> z(own.template temp_span<S>(dim).data(), dim),
        e(own.template temp_span<S>(dim).data(), dim);
    MutableRow<S> dgain(gain_slots.data() + block * dim, dim), dbias(bias_slots.data() + block * dim, dim);
    dgain.setZero();
    dbias.setZero();
    for (Index r = block * kBlock; r < std::min(rows, (block + 1) * kBlock); ++r) {
      const Row<S> in(x_.data + r * dim, dim), up(dy.data + r * dim, dim);
      const S scale = scale_[static_cast<std::size_t>(r)];
      z = (in - mean_[static_cast<std::size_t>(r)]) * scale;
      e = up;
      if (gain) e *= Row<S>(gain, dim);
      const S mean_e = spec_.kind == NormKind::layer ? e.mean() : S(0);
      const S mean_ez = (e * z).mean();
      MutableRow<S>(dx.data + r * dim, dim) += scale * (e - mean_e - z * mean_ez);
      dgain += up * z;
      dbias += up;
    }
  });
  for (Index block = 0; block < blocks; ++block) {
    if (gain_) gain_.grad() += gain_slots.row(block);
    if (bias_) bias_.grad() += bias_slots.row(block);
  }
}

template class Norm<float>;
template class Norm<double>;

}  // namespace heed
