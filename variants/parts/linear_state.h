#pragma once

#include <span>

#include "core/ops/product.h"
#include "variants/parts/packed_tile.h"

namespace heed {

// The state of linear attention, a view: sums over keys f_j with values v_j,
//     s = sum_j f_j^T v_j   (W, value)        t = sum_j f_j   (1, W)
// or, for gradients, over queries. Terms are added chunk by chunk, because a long running sum of single terms
// drifts in float.
template <class S>
struct LinearState {
  Mat<S> s, t;

  void clear() { s.setZero(), t.setZero(); }
  void add(Mat<S> f, In<S> v) {
    add_product_atb(f, v, s);
    for (Index r = 0; r < f.rows(); ++r) row(t, 0) += row(f, r);
  }
  // s += f^T g     t += h^T f     h (rows, 1)
  void add(Mat<S> f, In<S> g, In<S> h) {
    add_product_atb(f, g, s);
    for (Index r = 0; r < f.rows(); ++r) row(t, 0) += h(r, 0) * row(f, r);
  }

  // As plain numbers: s, then t.
  void read(std::span<const S> from) {
    s = const_mat(from.data(), s.rows(), s.cols());
    t = const_mat(from.data() + s.size(), 1, t.cols());
  }
  void write(std::span<S> to) const {
    Mat<S> to_s = mat(to.data(), s.rows(), s.cols()), to_t = mat(to.data() + s.size(), 1, t.cols());
    to_s = s, to_t = t;
  }
};

// Kept room for several states.
template <class S>
class LinearStates {
 public:
  LinearStates(Index width, Index value, Index count, Memory<S>& memory)
      : width_(width), s_(kept_room(memory, count * width, value)), t_(kept_room(memory, count, width)) {}
  LinearState<S> operator[](Index n) const {
    return {row_block(s_, n * width_, width_), row_block(t_, n, 1)};
  }

 private:
  Index width_;
  Mat<S> s_, t_;
};

}  // namespace heed
