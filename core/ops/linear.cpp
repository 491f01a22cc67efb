#include "core/ops/linear.h"

#include <algorithm>

namespace heed {
namespace {

// Work is cut into blocks of this many rows of the result, whatever the number of threads.
constexpr Index kBlock = 64;

Index blocks(Index rows) { return (rows + kBlock - 1) / kBlock; }

}  // namespace

template <class S>
Linear<S>::Linear(std::string_view name, Index in, Index out, bool bias, double deviation, Params<S>& params)
    : in_(in), out_(out) {
  const auto scope = params.scope(name);
  w_ = params.declare("weight", in, out, Init::normal(deviation), Role::decayed);
  if (bias) b_ = params.declare("bias", 1, out, Init::zeros(), Role::undecayed);
}

template <class S>
void Linear<S>::forward(Step<S>& step, Seq<const S> x, Seq<S> y) {
  x_ = x;
  const ConstMat<S> w = w_.value();
  step.parallel_for(blocks(x.batch * x.time), [&](Index i, Memory<S>&) {
    const Index from = i * kBlock, rows = std::min(kBlock, x.batch * x.time - from);
    auto out = y.rows().middleRows(from, rows);
    out.noalias() = x.rows().middleRows(from, rows) * w;
    if (b_) out.rowwise() += b_.value().row(0);
  });
}

// dx += dy w^T   dw += x^T dy   db += sum of the rows of dy.   Each task owns rows of one result, so nothing
// is summed across tasks.
template <class S>
void Linear<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  const ConstMat<S> w = w_.value();
  step.parallel_for(blocks(dy.batch * dy.time), [&](Index i, Memory<S>&) {
    const Index from = i * kBlock, rows = std::min(kBlock, dy.batch * dy.time - from);
    dx.rows().middleRows(from, rows).noalias() += dy.rows().middleRows(from, rows) * w.transpose();
  });
  Mat<S> dw = w_.grad();
  step.parallel_for(blocks(in_), [&](Index i, Memory<S>&) {
    const Index from = i * kBlock, rows = std::min(kBlock, in_ - from);
    dw.middleRows(from, rows).noalias() += x_.rows().middleCols(from, rows).transpose() * dy.rows();
  });
  if (b_) b_.grad() += dy.rows().colwise().sum();
}

template class Linear<float>;
template class Linear<double>;

}  // namespace heed
