#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "core/ops/product.h"
#include "core/params.h"
#include "core/step.h"
#include "core/views.h"
#include "variants/parts/sequence_group.h"

namespace heed {

// How the parameters of a recurrence start: as in PyTorch, all uniform in +-1/sqrt(hidden).
struct RecurrenceSpec {
  Index in = 0, hidden = 0;
  bool bias = true;
  Index raised_gate = 0;  // the first bias of this gate ...
  double raise = 0;       // ... starts higher by this
};

// A recurrent network over packed sequences:
//     a_t = x_t W + b + h_{t-1} U + b'     (h_t, state_t) = cell(a_t, state_{t-1})
// x (B,T,I)  W (I,G M)  U (M,G M)  b, b' (1,G M)  h (B,T,M); G gates, M hidden channels. State before the
// first token: zeros, or given. The input products of all time steps are one product; the recurrent products
// of a step are one product for a group of sequences.
//
// A Cell has the numbers kGates, kStates (vectors of M numbers in its state, h first) and kKept (vectors that
// backward needs besides activations), and processes one token of one sequence:
//     forward(z, u, state, kept, M)      z: x W + b + b', becomes the activations; u: h_{t-1} U; state is
//                                        replaced; kept: null where no backward follows
//     backward(z, kept, dh, dstate, da, M)    dh: of the output; dstate: of the state after this token; its h
//                                             is only read, the rest becomes that of the state before it
template <class Cell, class S>
class Recurrence {
 public:
  static constexpr Index kGates = Cell::kGates, kStates = Cell::kStates;

  Recurrence(Cell cell, const RecurrenceSpec& spec, Params<S>& params);

  // states (B, kStates M): before the first token, replaced by those after the last one. No data: zeros.
  // x and h stay in place until backward.
  void forward(Step<S>& step, Seq<const S> x, Seq<S> h, S* states = nullptr);
  // Adds into dx and the gradients. dstates: of the states after the last token, replaced by those of the
  // states before the first one.
  void backward(Step<S>& step, Seq<const S> dh, Seq<S> dx, S* dstates = nullptr);

  Index hidden() const { return hidden_; }
  Index state_size() const { return kStates * hidden_; }
  double flops(Index rows) const {
    return 2.0 * static_cast<double>(rows * (in_ + hidden_) * kGates * hidden_);
  }

 private:
  static constexpr Index kBlock = 128;  // rows of a product that is divided over threads

  template <class Task>
  static void for_blocks(Step<S>& step, Index n, Task task) {
    step.parallel_for((n + kBlock - 1) / kBlock,
                      [&](Index i, Memory<S>&) { task(i * kBlock, std::min(kBlock, n - i * kBlock)); });
  }
  template <class Task>
  void for_groups(Step<S>& step, Task task) const {
    const Index groups = SequenceGroup::count(z_.batch, step.threads());
    step.parallel_for(groups,
                      [&](Index i, Memory<S>& memory) { task(SequenceGroup(z_, i, groups), memory); });
  }
  Mat<S> gather(const SequenceGroup& group, const S* states, Memory<S>& memory) const;
  void scatter(const SequenceGroup& group, Mat<S> state, S* states) const;
  void run(const SequenceGroup& group, Seq<S> h, S* states, Memory<S>& memory) const;
  void run_backward(const SequenceGroup& group, Seq<const S> dh, In<S> u_transposed, Seq<S> da, S* dstates,
                    Memory<S>& memory) const;

  S* row(const Seq<S>& of, Index r) const { return of.data ? of.data + r * of.dim : nullptr; }

  Cell cell_;
  Index in_, hidden_;
  Param<S> w_, u_, b_, b2_;
  // of the latest forward
  Seq<const S> x_;
  Seq<S> z_, before_, kept_;  // activations, h_{t-1}, what the cell keeps
};

template <class Cell, class S>
Recurrence<Cell, S>::Recurrence(Cell cell, const RecurrenceSpec& spec, Params<S>& params)
    : cell_(cell), in_(spec.in), hidden_(spec.hidden) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_));
  const auto raised = [bound, spec](Draws& draws, std::span<double> b) {
    for (double& x : b) x = bound * (2 * draws.uniform() - 1);
    const auto m = static_cast<std::size_t>(spec.hidden);
    for (double& x : b.subspan(static_cast<std::size_t>(spec.raised_gate) * m, m)) x += spec.raise;
  };
  const Index width = kGates * hidden_;
  w_ = params.declare("input.weight", in_, width, Init::uniform(bound), Role::decayed);
  u_ = params.declare("hidden.weight", hidden_, width, Init::uniform(bound), Role::decayed);
  if (!spec.bias) return;
  const auto component = params.component(Component::biases);
  b_ = params.declare("input.bias", 1, width, Init::drawn(raised), Role::undecayed);
  b2_ = params.declare("hidden.bias", 1, width, Init::uniform(bound), Role::undecayed);
}

template <class Cell, class S>
void Recurrence<Cell, S>::forward(Step<S>& step, Seq<const S> x, Seq<S> h, S* states) {
  Memory<S> memory = step.memory();
  x_ = x;
  z_ = memory.keep(x, kGates * hidden_);
  before_ = step.training ? memory.keep(x, hidden_) : Seq<S>();
  kept_ = step.training ? memory.keep(x, Cell::kKept * hidden_) : Seq<S>();
  const ConstMat<S> w = w_.value();
  for_blocks(step, x.row_count(), [&](Index from, Index rows) {
    Mat<S> z = row_block(z_.rows(), from, rows);
    product_ab(row_block(x.rows(), from, rows), w, z);
    // Row by row: Eigen would allocate the sum if it were added to all rows at once.
    for (Index r = 0; b_ && r < rows; ++r) z.row(r) += b_.value().row(0) + b2_.value().row(0);
  });
  for_groups(step, [&](const SequenceGroup& group, Memory<S>& own) { run(group, h, states, own); });
}

// da from the last token to the first, then
//     dx += da W^T   dW += x^T da   dU += h_{t-1}^T da   db, db' += sum of the rows of da
template <class Cell, class S>
void Recurrence<Cell, S>::backward(Step<S>& step, Seq<const S> dh, Seq<S> dx, S* dstates) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> da = memory.temp(z_, z_.dim);
  // A product with a transposed right side would transpose it at every time step.
  const Mat<S> u_transposed = memory.temp(z_.dim, hidden_);
  transpose<S>(u_.value(), u_transposed);
  for_groups(step, [&](const SequenceGroup& group, Memory<S>& own) {
    run_backward(group, dh, u_transposed, da, dstates, own);
  });

  const Mat<S> w_transposed = memory.temp(z_.dim, in_);
  transpose<S>(w_.value(), w_transposed);
  for_blocks(step, da.row_count(), [&](Index from, Index rows) {
    add_product_ab<S>(row_block(da.rows(), from, rows), w_transposed, row_block(dx.rows(), from, rows));
  });
  const auto add_weight_gradient = [&](Seq<const S> left, Param<S> weight) {
    for_blocks(step, left.dim, [&](Index from, Index rows) {
      add_product_atb(column_block(left.rows(), from, rows), da.rows(), row_block(weight.grad(), from, rows));
    });
  };
  add_weight_gradient(x_, w_);
  add_weight_gradient(before_, u_);
  if (!b_) return;
  Mat<S> db = memory.temp(1, z_.dim);
  db = da.rows().colwise().sum();
  b_.grad() += db;
  b2_.grad() += db;
}

// Returns the states of a group, zeros if none are given.
template <class Cell, class S>
Mat<S> Recurrence<Cell, S>::gather(const SequenceGroup& group, const S* states, Memory<S>& memory) const {
  Mat<S> out = memory.temp(group.size(), state_size());
  for (Index r = 0; r < group.size(); ++r)
    if (states)
      std::copy_n(states + group.sequence(r) * state_size(), state_size(), out.row(r).data());
    else
      out.row(r).setZero();
  return out;
}

template <class Cell, class S>
void Recurrence<Cell, S>::scatter(const SequenceGroup& group, Mat<S> state, S* states) const {
  for (Index r = 0; states && r < group.size(); ++r)
    std::copy_n(state.row(r).data(), state_size(), states + group.sequence(r) * state_size());
}

template <class Cell, class S>
void Recurrence<Cell, S>::run(const SequenceGroup& group, Seq<S> h, S* states, Memory<S>& memory) const {
  Mat<S> state = gather(group, states, memory), u = memory.temp(group.size(), z_.dim);
  for (Index t = 0; t < group.longest(); ++t) {
    const Index n = group.running(t);
    product_ab<S>(column_block(row_block(state, 0, n), 0, hidden_), u_.value(), row_block(u, 0, n));
    for (Index r = 0; r < n; ++r) {
      const Index at = group.row(r, t);
      S* const own = state.row(r).data();
      if (before_.data) std::copy_n(own, hidden_, row(before_, at));
      cell_.forward(row(z_, at), u.row(r).data(), own, row(kept_, at), hidden_);
      std::copy_n(own, hidden_, row(h, at));
    }
  }
  scatter(group, state, states);
}

// dh_{t-1} = da_t U^T, and what is carried in the rest of the state
template <class Cell, class S>
void Recurrence<Cell, S>::run_backward(const SequenceGroup& group, Seq<const S> dh, In<S> u_transposed,
                                       Seq<S> da, S* dstates, Memory<S>& memory) const {
  Mat<S> dstate = gather(group, dstates, memory), now = memory.temp(group.size(), z_.dim);
  for (Index t = group.longest() - 1; t >= 0; --t) {
    const Index n = group.running(t);
    for (Index r = 0; r < n; ++r) {
      const Index at = group.row(r, t);
      cell_.backward(row(z_, at), row(kept_, at), dh.data + at * hidden_, dstate.row(r).data(),
                     now.row(r).data(), hidden_);
      std::copy_n(now.row(r).data(), z_.dim, row(da, at));
    }
    product_ab<S>(row_block(now, 0, n), u_transposed, column_block(row_block(dstate, 0, n), 0, hidden_));
  }
  scatter(group, dstate, dstates);
}

}  // namespace heed
