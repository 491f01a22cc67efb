#include "core/model/output.h"

#include <algorithm>

#include "core/ops/product.h"

namespace heed {
namespace {

// task(from, n) for blocks of rows; cut by problem size
template <class S, class Task>
void for_row_blocks(Step<S>& step, Index rows, Task&& task) {
  constexpr Index block = 128;
  step.parallel_for((rows + block - 1) / block,
                    [&](Index i, Memory<S>&) { task(i * block, std::min(block, rows - i * block)); });
}

}  // namespace

template <class S>
Output<S>::Output(const ModelSpec& spec, Param<S> table, Params<S>& params)
    : dim_(spec.options.dim), classes_(spec.shape.classes), pool_(spec.pool), table_(table) {
  const auto component = params.component(Component::head);
  if (spec.expand) expansion_.emplace(dim_, spec.shape.input.length, spec.options.has_linear_bias(), params);
  if (!table_) head_ = params.declare("head", dim_, classes_, Init::normal(0.02), Role::decayed);
  if (!spec.options.head_bias) return;
  const auto scope = params.scope("head", Component::biases);
  bias_ = params.declare("bias", 1, classes_, Init::zeros(), Role::undecayed);
}

template <class S>
typename Output<S>::Scored Output<S>::pooled(Seq<const S> hidden, Index b) const {
  const Index first = hidden.start(b), rows = hidden.length(b);
  if (pool_ == Pool::mean || rows == 0) return {first, rows};
  return {pool_ == Pool::first ? first : first + rows - 1, 1};
}

template <class S>
void Output<S>::find_labels(Step<S>& step, Seq<const S> hidden, const Batch& batch) {
  const Index n = batch.scored();
  scored_ = step.memory().template keep_span<Scored>(n);
  labels_ = step.memory().template keep_span<Token>(n);
  positions_ = step.memory().template keep_span<Index>(n);
  std::size_t r = 0;
  const auto add = [&](Index label, const Scored& rows, Index position = 0) {
    const Token token = batch.labels[static_cast<std::size_t>(label)];
    if (token == kUnscored) return;
    labels_[r] = token;
    positions_[r] = position;
    scored_[r++] = rows;
  };
  for (Index b = 0; b < batch.batch; ++b)
    if (batch.labeled == Labels::per_sequence)
      add(b, pooled(hidden, b));
    else
      for (Index t = 0; t < batch.input.length(b); ++t)
        add(b * batch.input.time + t,
            {expansion_ ? hidden.start(b) + hidden.length(b) - 1 : hidden.start(b) + t, 1}, t);
}

template <class S>
Mat<S> Output<S>::forward(Step<S>& step, Seq<const S> hidden, const Batch& batch) {
  find_labels(step, hidden, batch);
  const Index n = std::ssize(labels_);
  h_ = step.memory().keep(1, n, dim_);
  for (Index r = 0; r < n; ++r) {
    const Scored& s = scored_[static_cast<std::size_t>(r)];
    auto row = h_.rows().row(r);
    if (s.rows == 1)
      row = hidden.rows().row(s.first);
    else if (s.rows == 0)
      row.setZero();
    else
      row = hidden.rows().middleRows(s.first, s.rows).colwise().mean();
  }
  if (expansion_) h_ = expansion_->forward(step, h_, positions_);
  // The stride of rows is a cache line longer than necessary: with a power of two (as most vocabularies are)
  // all rows would be in a few sets of the cache.
  constexpr Index line = kAlignment / sizeof(S);
  const Index stride = (classes_ + line - 1) / line * line + line;
  Mat<S> z(step.memory().template keep_span<S>(n * stride).data(), n, classes_, Eigen::OuterStride<>(stride));
  for_row_blocks(step, n, [&](Index from, Index rows) {
    Mat<S> out = row_block(z, from, rows);
    if (head_)
      product_ab(row_block(h_.rows(), from, rows), head_.value(), out);
    else
      product_abt(row_block(h_.rows(), from, rows), table_.value(), out);
    if (bias_) out.rowwise() += bias_.value().row(0);
  });
  return z;
}

// dh = dz W^T    dW += h^T dz (each task owns columns of W)    db += sum of the rows of dz
// Each of the n rows that h is the mean of gets dh / n. Several labels may have the same row.
template <class S>
void Output<S>::backward(Step<S>& step, Mat<S> dz, Seq<S> dhidden) {
  const Mat<S> h = h_.rows();
  constexpr Index panel = 256;
  step.parallel_for((classes_ + panel - 1) / panel, [&](Index i, Memory<S>&) {
    const Index from = i * panel, n = std::min(panel, classes_ - from);
    if (head_)
      add_product_atb(h, column_block(dz, from, n), column_block(head_.grad(), from, n));
    else
      add_product_atb(column_block(dz, from, n), h, row_block(table_.grad(), from, n));
  });
  if (bias_) bias_.grad() += dz.colwise().sum();

  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> dexpanded = memory.temp(1, h.rows(), dim_);
  const Mat<S> dh = dexpanded.rows();
  for_row_blocks(step, h.rows(), [&](Index from, Index n) {
    if (head_)
      product_abt(row_block(dz, from, n), head_.value(), row_block(dh, from, n));
    else
      product_ab(row_block(dz, from, n), table_.value(), row_block(dh, from, n));
  });
  if (expansion_) expansion_->backward(step, dexpanded);
  dhidden.rows().setZero();
  for (Index r = 0; r < h.rows(); ++r) {
    const Scored& s = scored_[static_cast<std::size_t>(r)];
    for (Index i = 0; i < s.rows; ++i) dhidden.rows().row(s.first + i) += dh.row(r) / static_cast<S>(s.rows);
  }
}

template class Output<float>;
template class Output<double>;

}  // namespace heed
