#include "core/model/block.h"

#include "core/ops/dropout.h"

namespace heed {
namespace {

template <class S>
std::unique_ptr<Layer<S>> make_slot(const char* name, const typename Block<S>::MakeSlot& make,
                                    Params<S>& params) {
  const auto scope = params.scope(name);
  return make();
}

// The gradient of what a layer returned, given that of the residual stream: without dropout the same.
template <class S>
Seq<const S> branch(Step<S>& step, const std::string& name, Seq<const S> d) {
  if (step.dropout.p == 0) return d;
  const Seq<S> dropped = step.memory().temp(d.batch, d.time, d.dim);
  dropped.rows() = d.rows();
  apply_dropout(step, name, dropped);
  return dropped;
}

}  // namespace

template <class S>
Block<S>::Block(Index dim, const NormSpec& norm, const MakeSlot& attention, const MakeSlot& feed_forward,
                Params<S>& params)
    : norm1_("norm1", dim, norm, params),
      attention_(make_slot<S>("attention", attention, params)),
      attention_name_(params.full_name("attention")),
      feed_forward_name_(params.full_name("feed_forward")) {
  if (!feed_forward) return;
  norm2_.emplace("norm2", dim, norm, params);
  feed_forward_ = make_slot<S>("feed_forward", feed_forward, params);
}

template <class S>
void Block<S>::forward(Step<S>& step, Seq<const S> x, Seq<S> y) {
  Memory<S> memory = step.memory();
  normed1_ = memory.keep(x.batch, x.time, x.dim);
  norm1_.forward(step, x, normed1_);
  const Seq<S> h = feed_forward_ ? memory.keep(x.batch, x.time, x.dim) : y;
  attention_->forward(step, normed1_, normed1_, h);
  apply_dropout(step, attention_name_, h);
  h.rows() += x.rows();
  if (!feed_forward_) return;
  normed2_ = memory.keep(x.batch, x.time, x.dim);
  norm2_->forward(step, h, normed2_);
  feed_forward_->forward(step, normed2_, normed2_, y);
  apply_dropout(step, feed_forward_name_, y);
  y.rows() += h.rows();
}

template <class S>
void Block<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> dh = memory.temp(dy.batch, dy.time, dy.dim), dnormed = memory.temp(dy.batch, dy.time, dy.dim);
  dh.rows() = dy.rows();
  if (feed_forward_) {
    dnormed.rows().setZero();
    feed_forward_->backward(step, branch<S>(step, feed_forward_name_, dy), dnormed, dnormed);
    norm2_->backward(step, dnormed, dh);
  }
  dnormed.rows().setZero();
  attention_->backward(step, branch<S>(step, attention_name_, dh), dnormed, dnormed);
  norm1_.backward(step, dnormed, dx);
  dx.rows() += dh.rows();
}

template <class S>
Cost Block<S>::cost(Index time) const {
  Cost c = attention_->cost(time, time);
  if (feed_forward_) c.flops += feed_forward_->cost(time, time).flops;
  return c;
}

template class Block<float>;
template class Block<double>;

}  // namespace heed
