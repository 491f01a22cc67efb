#include "core/ops/linear.h"

#include <algorithm>

#include "core/ops/product.h"

namespace heed {
namespace {

// Work is cut into blocks of this many rows of the result, whatever the number of threads. A block never
// spans two sequences: the order of Eigen's sums depends on the shape of a product, and a sequence must give
// the same bits alone and among others.
constexpr Index kBlock = 64;

Index blocks(Index rows) { return (rows + kBlock - 1) / kBlock; }

template <class S>
Index sequence_blocks(const Seq<const S>& s) {
  return s.batch * blocks(s.time);
}

// task(first row, rows) of block i
template <class S, class Task>
void sequence_block(const Seq<const S>& s, Index i, Task&& task) {
  const Index b = i / blocks(s.time), from = i % blocks(s.time) * kBlock;
  task(b * s.time + from, std::min(kBlock, s.time - from));
}

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
  step.parallel_for(sequence_blocks(x), [&](Index i, Memory<S>&) {
    sequence_block(x, i, [&](Index from, Index rows) {
      Mat<S> out = row_block(y.rows(), from, rows);
      product_ab(row_block(x.rows(), from, rows), w, out);
      if (b_) out.rowwise() += b_.value().row(0);
    });
  });
}

// dx += dy w^T   dw += x^T dy   db += sum of the rows of dy.   Each task owns rows of one result, so nothing
// is summed across tasks.
template <class S>
void Linear<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  const ConstMat<S> w = w_.value();
  step.parallel_for(sequence_blocks(dy), [&](Index i, Memory<S>&) {
    sequence_block(dy, i, [&](Index from, Index rows) {
      add_product_abt(row_block(dy.rows(), from, rows), w, row_block(dx.rows(), from, rows));
    });
  });
  Mat<S> dw = w_.grad();
  step.parallel_for(blocks(in_), [&](Index i, Memory<S>&) {
    const Index from = i * kBlock, rows = std::min(kBlock, in_ - from);
    add_product_atb(column_block(x_.rows(), from, rows), dy.rows(), row_block(dw, from, rows));
  });
  if (b_) b_.grad() += dy.rows().colwise().sum();
}

template class Linear<float>;
template class Linear<double>;

}  // namespace heed
