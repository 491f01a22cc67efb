#pragma once

#include <memory>
#include <utility>

#include "core/divisible.h"
#include "core/error.h"
#include "core/head_kernel.h"
#include "core/input_projections.h"
#include "core/layer.h"
#include "core/ops/linear.h"

namespace heed {

// Throws: heed::Error if heads do not divide dim.
void require_divisible(Index dim, Index heads);
// Throws: heed::Error if key heads do not divide heads.
void require_key_heads(Index key_heads, Index heads);

// Multi-head attention around a kernel:
//     q = Q(x)   k = K(context)   v = V(context)   o = kernel(q, k, v, inputs)   y = O(o)
// Between projection and kernel, q and k are first normalized, if the kernel does that, then rotated.
// Q, K, V and O are projections: Linear, or another class with the same forward and backward (TokenFormer
// uses Pattention). The value map of a head, V followed by its rows of O, is the value-down and value-up
// factorization of one (C,C) matrix. There may be fewer heads of keys and values than of queries
// (HeadShape::key_heads): query heads then share them.
template <class Projection, class S>
class MultiHead final : public Layer<S>, public DivisibleLayer<S> {
 public:
  struct Projections {
    Projection q, k, v, o;
  };
  // inputs: of the kernel (HeadKernel::inputs)
  MultiHead(Projections projections, std::unique_ptr<HeadKernel<S>> kernel, const LayerSpec<S>& spec,
            InputProjections<S> inputs = {})
      : p_(std::move(projections)),
        inputs_(std::move(inputs)),
        kernel_(std::move(kernel)),
        position_(spec.position),
        causality_(spec.causality) {
    const HeadShape& s = kernel_->shape();
    HEED_CHECK(inputs_.count() == kernel_->inputs().size(), "a mixer's inputs are not projected");
    if (position_) position_->require_width(s.key / s.maps);
  }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
    const Mask mask = resolve(causality_, x.time, context.time);
    HEED_CHECK(!mask.causal || causality_.offset || x.starts == context.starts,
               "sequences of other lengths than their contexts have no common first position");
    const HeadInputs<const S> in = project(step, x, context, mask.offset, 0);
    const Seq<S> o = step.memory().keep(x, kernel_->shape().heads * kernel_->shape().value);
    kernel_->forward(step, in, o.heads(kernel_->shape().heads));
    p_.o.forward(step, o, y);
  }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) override {
    const HeadShape& s = kernel_->shape();
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> d_o = zeros(memory, q_, s.heads * s.value);
    Seq<S> dq = zeros(memory, q_, q_.dim), dk = zeros(memory, k_, k_.dim);
    const Seq<S> dv = zeros(memory, v_, v_.dim);
    p_.o.backward(step, dy, d_o);
    const bool apart = unrotated_q_.data != q_.data;
    const Seq<S> dunrotated = apart ? zeros(memory, q_, q_.dim) : dq;
    kernel_->backward(step, d_o.heads(s.heads),
                      of_heads<S>(dq, dk, dv, inputs_.zero_grads(memory), dunrotated));
    if (position_) {
      rotate_backward(dq.heads(s.heads * s.query_maps()), first_query_);
      rotate_backward(dk.heads(s.key_heads * s.maps), 0);
    }
    if (apart) dq.rows() += dunrotated.rows();
    dq = normalized_backward(step, Side::query, projected_q_, dq, s.heads);
    dk = normalized_backward(step, Side::key, projected_k_, dk, s.key_heads);
    inputs_.backward(step, dx, dcontext);
    p_.v.backward(step, dv, dcontext);
    p_.k.backward(step, dk, dcontext);
    p_.q.backward(step, dq, dx);
  }

  bool weights(Step<S>& step, Index b, Index h, Mat<S> p) override { return kernel_->weights(step, b, h, p); }
  Index weight_heads() const override { return kernel_->shape().heads; }

  Splits splits() const override { return splits_of(*kernel_); }
  void divide(const ContextParallel& parallel) override {
    kernel_ = divided("multi-head attention", *kernel_, parallel);
    parallel_ = &parallel;
  }

  double exchanged_bytes(Index length) const override { return exchanged_bytes_of(*kernel_, length); }

  HeadKernel<S>& kernel() { return *kernel_; }

  Cost cost(Index tq, Index tk) const override {
    Cost c = kernel_->cost(tq, tk);
    c.flops += p_.q.flops(tq) + p_.k.flops(tk) + p_.v.flops(tk) + p_.o.flops(tq) + inputs_.flops(tq, tk);
    return c;
  }

  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index length) override {
    return std::make_unique<Decoder>(*this, kernel_->decoder(batch, length));
  }
  std::unique_ptr<LayerDecoder<S>> context_decoder(Step<S>& step, Seq<const S> context, Index) override {
    project_keys(step, context, 0);
    const HeadInputs<const S> projected =
        of_heads<const S>({}, k_, v_, inputs_.forward(step, {}, context), {});
    return std::make_unique<ContextDecoder>(*this, kernel_->context_decoder(step, projected));
  }

 private:
  static Seq<S> zeros(Memory<S>& memory, Seq<const S> like, Index dim) {
    const Seq<S> s = memory.temp(like, dim);
    s.rows().setZero();
    return s;
  }
  template <class T>
  HeadInputs<T> of_heads(Seq<T> q, Seq<T> k, Seq<T> v, std::span<const Heads<T>> extra,
                         Seq<T> unrotated_q) const {
    const HeadShape& s = kernel_->shape();
    return {q.heads(s.heads), k.heads(s.key_heads), v.heads(s.key_heads), extra, unrotated_q.heads(s.heads)};
  }
  Seq<S> normalized(Step<S>& step, Side side, Seq<S> x, Index heads) {
    if (!kernel_->normalizes()) return x;
    const Seq<S> y = step.memory().keep(x, x.dim);
    kernel_->normalize(step, side, x.heads(heads), y.heads(heads));
    return y;
  }
  // Returns the gradient of x, given that of the normalized x.
  Seq<S> normalized_backward(Step<S>& step, Side side, Seq<S> x, Seq<S> dy, Index heads) {
    if (!kernel_->normalizes()) return dy;
    Memory<S> memory = step.memory();
    const Seq<S> dx = zeros(memory, x, x.dim);
    kernel_->normalize_backward(step, side, x.heads(heads), dy.heads(heads), dx.heads(heads));
    return dx;
  }
  // Returns q, k, v and inputs. The rows of queries and keys are rotated to positions from first_query and
  // first_key on.
  HeadInputs<const S> project(Step<S>& step, Seq<const S> x, Seq<const S> context, Index first_query,
                              Index first_key) {
    project_queries(step, x, first_query);
    project_keys(step, context, first_key);
    return of_heads<const S>(q_, k_, v_, inputs_.forward(step, x, context), unrotated_q_);
  }
  // Makes q_.
  void project_queries(Step<S>& step, Seq<const S> x, Index first) {
    const HeadShape& s = kernel_->shape();
    Memory<S> memory = step.memory();
    q_ = memory.keep(x, s.heads * s.query_width());
    first_query_ = first;
    p_.q.forward(step, x, q_);
    projected_q_ = q_;
    q_ = normalized(step, Side::query, q_, s.heads);
    unrotated_q_ = q_;
    if (!position_) return;
    if (kernel_->reads_unrotated()) {
      unrotated_q_ = memory.keep(x, q_.dim);
      unrotated_q_.rows() = q_.rows();
    }
    rotate(q_.heads(s.heads * s.query_maps()), first);
  }
  // Makes k_ and v_.
  void project_keys(Step<S>& step, Seq<const S> context, Index first) {
    const HeadShape& s = kernel_->shape();
    Memory<S> memory = step.memory();
    k_ = memory.keep(context, s.key_heads * s.key);
    v_ = memory.keep(context, s.key_heads * s.value);
    p_.k.forward(step, context, k_);
    p_.v.forward(step, context, v_);
    projected_k_ = k_;
    k_ = normalized(step, Side::key, k_, s.key_heads);
    if (position_) rotate(k_.heads(s.key_heads * s.maps), first);
  }

  // Rotate the rows of whole sequences to positions from `first` on, those of a rank's pieces to their own.
  void rotate(Heads<S> x, Index first) const {
    if (!parallel_) return position_->rotate(x, first);
    for_pieces(*parallel_, x, [&](Heads<S> piece, Index at) { position_->rotate(piece, at); });
  }
  void rotate_backward(Heads<S> dx, Index first) const {
    if (!parallel_) return position_->rotate_backward(dx, first);
    for_pieces(*parallel_, dx, [&](Heads<S> piece, Index at) { position_->rotate_backward(piece, at); });
  }

  // Projects one token and passes it to the decoder of the heads, which keeps what it needs.
  class Decoder final : public LayerDecoder<S> {
   public:
    Decoder(MultiHead& layer, std::unique_ptr<HeadDecoder<S>> heads)
        : layer_(layer), heads_(std::move(heads)) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override {
      const HeadShape& s = layer_.kernel_->shape();
      const HeadInputs<const S> token = layer_.project(step, x, x, seen_, seen_);
      const Seq<S> o = step.memory().keep(x.batch, 1, s.heads * s.value);
      heads_->next(step, token, o.heads(s.heads));
      layer_.p_.o.forward(step, o, y);
      ++seen_;
    }
    double state_bytes() const override { return heads_->state_bytes(); }

   private:
    MultiHead& layer_;
    std::unique_ptr<HeadDecoder<S>> heads_;
    Index seen_ = 0;
  };

  // Projects the query of one token and passes it to the decoder of the heads, which has the context.
  class ContextDecoder final : public LayerDecoder<S> {
   public:
    ContextDecoder(MultiHead& layer, std::unique_ptr<HeadDecoder<S>> heads)
        : layer_(layer), heads_(std::move(heads)) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override {
      const HeadShape& s = layer_.kernel_->shape();
      layer_.project_queries(step, x, seen_++);
      const HeadInputs<const S> token = layer_.template of_heads<const S>(
          layer_.q_, {}, {}, layer_.inputs_.forward(step, x, {}), layer_.unrotated_q_);
      const Seq<S> o = step.memory().keep(x.batch, 1, s.heads * s.value);
      heads_->next(step, token, o.heads(s.heads));
      layer_.p_.o.forward(step, o, y);
    }
    double state_bytes() const override { return heads_->state_bytes(); }

   private:
    MultiHead& layer_;
    std::unique_ptr<HeadDecoder<S>> heads_;
    Index seen_ = 0;
  };

  Projections p_;
  InputProjections<S> inputs_;
  std::unique_ptr<HeadKernel<S>> kernel_;
  const Position<S>* position_;
  Causality causality_;
  const ContextParallel* parallel_ = nullptr;  // of divide()
  // of the latest forward
  Seq<S> q_, k_, v_;
  Seq<S> projected_q_, projected_k_;  // before they are normalized and rotated
  Seq<S> unrotated_q_;                // q_, or normalized queries before they are rotated
  Index first_query_ = 0;
};

// Linear projections with GPT-2's initial values: standard deviation 0.02, divided by sqrt(2 layers) for the
// output matrix.
template <class S>
std::unique_ptr<Layer<S>> make_multi_head(std::unique_ptr<HeadKernel<S>> kernel, const LayerSpec<S>& spec,
                                          Params<S>& params);

}  // namespace heed
