#pragma once

#include <Eigen/Core>
#include <type_traits>

#include "core/index.h"

namespace heed {

// Letters used everywhere: B batch, T time (Tq, Tk if queries and keys differ), C model width, H heads, D
// head width, V vocabulary. All storage is row-major: one row per time step. Views own nothing and are passed
// by value.

static_assert(std::is_same_v<Index, Eigen::Index>);

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A writable (rows, cols) view with a row stride. A plain alias, so that S is deduced from an argument.
// Cannot be re-seated: assigning to a Mat copies numbers.
template <class S>
using Mat = Eigen::Map<Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>;

// A read-only view. A separate class, so that a Mat converts to a ConstMat.
template <class S>
class ConstMat : public Eigen::Map<const Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>> {
 public:
  using Base = Eigen::Map<const Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>;
  ConstMat(const S* data, Index rows, Index cols, Eigen::OuterStride<> stride)
      : Base(data, rows, cols, stride) {}
  ConstMat(const Base& m) : Base(m) {}
  ConstMat(const Mat<S>& m) : Base(m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.outerStride())) {}
};

// The type of a function parameter from which S is not deduced, so that a Mat converts to it.
template <class S>
using In = std::type_identity_t<ConstMat<S>>;

template <class S>
Mat<S> mat(S* data, Index rows, Index cols) {
  return {data, rows, cols, Eigen::OuterStride<>(cols)};
}

template <class S>
ConstMat<S> const_mat(const S* data, Index rows, Index cols) {
  return {data, rows, cols, Eigen::OuterStride<>(cols)};
}

// Return rows or columns from .. from+n-1 as a view.
template <class S>
Mat<S> row_block(Mat<S> m, Index from, Index n) {
  return {m.data() + from * m.outerStride(), n, m.cols(), Eigen::OuterStride<>(m.outerStride())};
}

template <class S>
ConstMat<S> row_block(ConstMat<S> m, Index from, Index n) {
  return {m.data() + from * m.outerStride(), n, m.cols(), Eigen::OuterStride<>(m.outerStride())};
}

template <class S>
Mat<S> column_block(Mat<S> m, Index from, Index n) {
  return {m.data() + from, m.rows(), n, Eigen::OuterStride<>(m.outerStride())};
}

template <class S>
ConstMat<S> column_block(ConstMat<S> m, Index from, Index n) {
  return {m.data() + from, m.rows(), n, Eigen::OuterStride<>(m.outerStride())};
}

namespace detail {
template <class S>
using View =
    std::conditional_t<std::is_const_v<S>, ConstMat<std::remove_const_t<S>>, Mat<std::remove_const_t<S>>>;
}

// The sequences of a batch follow each other in memory, without padding. `starts` (batch + 1) contains the
// first row of each and, last, the number of rows. If it is null, every sequence has `time` rows.

// A (batch, heads, time, dim) view of a (batch, time, heads * dim) sequence: head h owns columns h*dim ..
// (h+1)*dim - 1. Nothing is copied.
template <class S>
struct Heads {
  S* data = nullptr;
  Index batch = 0, heads = 0, time = 0, dim = 0;  // time: of the longest sequence that the batch may have
  const Index* starts = nullptr;

  Index start(Index b) const { return starts ? starts[b] : b * time; }
  Index length(Index b) const { return starts ? starts[b + 1] - starts[b] : time; }
  // (length of the sequence, dim) of one head
  detail::View<S> operator()(Index b, Index h) const {
    return {data + start(b) * heads * dim + h * dim, length(b), dim, Eigen::OuterStride<>(heads * dim)};
  }
  operator Heads<const S>() const { return {data, batch, heads, time, dim, starts}; }
};

// A contiguous (batch, time, dim) sequence; Seq<const S> is read-only. Memory::keep(x, dim) allocates another
// one with the same rows.
template <class S>
struct Seq {
  S* data = nullptr;
  Index batch = 0, time = 0, dim = 0;  // time: of the longest sequence that the batch may have
  const Index* starts = nullptr;

  Index start(Index b) const { return starts ? starts[b] : b * time; }
  Index length(Index b) const { return starts ? starts[b + 1] - starts[b] : time; }
  Index row_count() const { return start(batch); }  // of all sequences
  // (row_count(), dim)
  detail::View<S> rows() const { return {data, row_count(), dim, Eigen::OuterStride<>(dim)}; }
  // (length(b), dim)
  detail::View<S> at(Index b) const {
    return {data + start(b) * dim, length(b), dim, Eigen::OuterStride<>(dim)};
  }
  Heads<S> heads(Index n) const {  // Requires: n divides dim
    return {data, batch, n, time, dim / n, starts};
  }
  Index size() const { return row_count() * dim; }
  operator Seq<const S>() const { return {data, batch, time, dim, starts}; }
};

}  // namespace heed
