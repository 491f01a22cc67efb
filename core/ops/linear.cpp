#include "core/ops/linear.h"

#include <algorithm>

#include "core/ops/product.h"

namespace heed {
namespace {

constexpr Index kPadding = 16;

// Cuts n rows of a result into blocks, and runs task(first row, rows) for each. The product of a block packs
// the right side, so blocks are large unless threads share them. The bits of a row do not depend on its
// block.
template <class S, class Task>
void for_blocks(Step<S>& step, Index n, Task&& task) {
  const Index block = step.threads() == 1 ? 512 : 128;
  step.parallel_for((n + block - 1) / block,
                    [&](Index i, Memory<S>&) { task(i * block, std::min(block, n - i * block)); });
}

}  // namespace

template <class S>
Linear<S>::Linear(std::string_view name, Index in, Index out, bool bias, double stddev, Params<S>& params,
                  double bias_start)
    : in_(in), out_(out) {
  const auto scope = params.scope(name);
  w_ = params.declare("weight", in, out, Init::normal(stddev), Role::decayed);
  if (!bias) return;
  const auto component = params.component(Component::biases);
  b_ = params.declare("bias", 1, out, Init::constant(bias_start), Role::undecayed);
}

template <class S>
void Linear<S>::forward(Step<S>& step, Seq<const S> x, Seq<S> y) {
  x_ = x;
  const ConstMat<S> w = w_.value();
  for_blocks(step, x.row_count(), [&](Index from, Index rows) {
    Mat<S> out = row_block(y.rows(), from, rows);
    product_ab(row_block(x.rows(), from, rows), w, out);
    if (b_) out.rowwise() += b_.value().row(0);
  });
}

// dx += dy w^T   dw += x^T dy   db += sum of the rows of dy.   Each task owns rows of one result, so nothing
// is summed across tasks.
template <class S>
void Linear<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  if (dx.data) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    // Transposed once, not once for each block. The rows are not a power of two apart, which the cache
    // dislikes.
    const Mat<S> w = column_block(memory.temp(out_, in_ + kPadding), 0, in_);
    transpose<S>(w_.value(), w);
    for_blocks(step, dy.row_count(), [&](Index from, Index rows) {
      add_product_ab<S>(row_block(dy.rows(), from, rows), w, row_block(dx.rows(), from, rows));
    });
  }
  const Mat<S> dw = w_.grad();
  for_blocks(step, in_, [&](Index from, Index rows) {
    add_product_atb(column_block(x_.rows(), from, rows), dy.rows(), row_block(dw, from, rows));
  });
  if (b_) b_.grad() += dy.rows().colwise().sum();
}

template class Linear<float>;
template class Linear<double>;

}  // namespace heed
