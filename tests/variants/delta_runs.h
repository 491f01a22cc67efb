// The delta rule on one sequence, in chunks and token by token, each with its backward pass.
#pragma once

#include <algorithm>
#include <vector>

#include "core/step.h"
#include "variants/parts/delta_rule.h"

namespace heed::test {

// As DeltaTokens, of a whole sequence, with the state s (K,V) that enters; or the gradients of these.
struct DeltaSequence {
  Matrix<double> q, k, e, v, g, s;  // g: (T,1), (T,K), or no rows

  static DeltaSequence zeros_like(const DeltaSequence& x) {
    const auto zero = [](const Matrix<double>& m) -> Matrix<double> { return 0 * m; };
    return {zero(x.q), zero(x.k), zero(x.e), zero(x.v), zero(x.g), zero(x.s)};
  }
};

struct DeltaResult {
  Matrix<double> o, last;  // outputs, the state after the last token
  DeltaSequence grad;
};

inline Mat<double> view_of(Matrix<double>& m) { return mat(m.data(), m.rows(), m.cols()); }

// The recurrence, which is the definition, and its derivative: r = dL/ds_t, from the last token to the first.
//     dq = s_t do      r += q do^T      du = r^T k      dv = du      dk = r u      de = s~ du
//     r += e du^T      dg = r * s~      r *= e^g
inline DeltaResult delta_by_steps(const DeltaSequence& x, const Matrix<double>& d_o,
                                  const Matrix<double>& dlast) {
  const Index time = x.q.rows();
  DeltaResult out{0 * d_o, x.s, DeltaSequence::zeros_like(x)};
  std::vector<Matrix<double>> decayed, after, writes;
  const auto decay = [&](Index t, Matrix<double>& s) {
    for (Index c = 0; x.g.rows() > 0 && c < s.rows(); ++c)
      s.row(c) *= std::exp(x.g(t, std::min(c, x.g.cols() - 1)));
  };
  for (Index t = 0; t < time; ++t) {
    decay(t, out.last);
    decayed.push_back(out.last);
    writes.push_back(x.v.row(t) + x.e.row(t).lazyProduct(out.last));
    out.last += x.k.row(t).transpose().lazyProduct(writes.back());
    after.push_back(out.last);
    out.o.row(t) = x.q.row(t).lazyProduct(out.last);
  }
  Matrix<double> r = dlast;
  for (Index t = time - 1; t >= 0; --t) {
    const Matrix<double>& before = decayed[static_cast<std::size_t>(t)];
    out.grad.q.row(t) = d_o.row(t).lazyProduct(after[static_cast<std::size_t>(t)].transpose());
    r += x.q.row(t).transpose().lazyProduct(d_o.row(t));
    const Matrix<double> du = x.k.row(t).lazyProduct(r);
    out.grad.v.row(t) = du;
    out.grad.k.row(t) = writes[static_cast<std::size_t>(t)].lazyProduct(r.transpose());
    out.grad.e.row(t) = du.lazyProduct(before.transpose());
    r += x.e.row(t).transpose().lazyProduct(du);
    const Matrix<double> dg = (r.array() * before.array()).rowwise().sum();
    if (x.g.rows() > 0 && x.g.cols() == 1) out.grad.g(t, 0) = dg.sum();
    if (x.g.rows() > 0 && x.g.cols() > 1) out.grad.g.row(t) = dg.transpose();
    decay(t, r);
  }
  out.grad.s = r;
  return out;
}

// The same in chunks of so many tokens.
template <class Decay>
DeltaResult delta_by_chunks(const DeltaSequence& x, const Matrix<double>& d_o, const Matrix<double>& dlast,
                            Index chunk) {
  Step<double> step;
  Memory<double> memory = step.memory();
  const auto tile = [&](const Matrix<double>& m, Index from, Index n) {
    const Mat<double> out = tile_room(memory, m.rows() > 0 ? n : 0, m.cols());
    for (Index i = 0; i < out.rows(); ++i) row(out, i) = m.row(from + i).array();
    return out;
  };
  const auto tokens = [&](const DeltaSequence& of, Index from, Index n) {
    return DeltaTokens<double>{tile(of.q, from, n), tile(of.k, from, n), tile(of.e, from, n),
                               tile(of.v, from, n), tile(of.g, from, n)};
  };
  const Index time = x.q.rows();
  DeltaResult out{0 * d_o, x.s, DeltaSequence::zeros_like(x)};
  std::vector<Mat<double>> states = {tile(x.s, 0, x.s.rows())};
  for (Index from = 0; from < time; from += chunk) {
    const Index n = std::min(chunk, time - from);
    const Mat<double> before = states.back();
    states.push_back(tile_room(memory, x.s.rows(), x.s.cols()));
    const DeltaChunk<Decay, double> c(tokens(x, from, n), before, memory);
    delta_output(c, before, row_block(view_of(out.o), from, n));
    delta_state(c, before, states.back());
  }
  out.last = states.back();
  const Mat<double> r = tile(dlast, 0, dlast.rows());
  for (Index from = (time - 1) / chunk * chunk; from >= 0; from -= chunk) {
    const Index n = std::min(chunk, time - from);
    states.pop_back();
    const DeltaTokens<double> own = tokens(x, from, n), dx = tokens(out.grad, from, n);
    const DeltaChunk<Decay, double> c(own, states.back(), memory);
    delta_backward(own, c, states.back(), tile(d_o, from, n), r, dx, memory);
    out.grad.q.middleRows(from, n) = dx.q, out.grad.k.middleRows(from, n) = dx.k;
    out.grad.e.middleRows(from, n) = dx.e, out.grad.v.middleRows(from, n) = dx.v;
    if (x.g.rows() > 0) out.grad.g.middleRows(from, n) = dx.g;
  }
  out.grad.s = r;
  return out;
}

}  // namespace heed::test
