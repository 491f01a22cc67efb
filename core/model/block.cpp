#include "core/model/block.h"

#include <fmt/format.h>

#include "core/ops/dropout.h"

namespace heed {
namespace {

template <class S>
std::unique_ptr<Layer<S>> make_layer(const SublayerSpec<S>& spec, Params<S>& params) {
  const auto scope = params.scope(spec.name, spec.component);
  return spec.make();
}

// Returns the sequence that a layer with this context reads, or its gradient.
template <class S>
Seq<S> chosen(Context context, Seq<S> self, const Contexts<S>& contexts) {
  switch (context) {
    case Context::self:
      return self;
    case Context::encoder:
      return contexts.encoder;
    case Context::embeddings:
      return contexts.embeddings;
  }
  return self;
}

// Returns the gradient of a layer's output, given that of the residual stream. They differ by dropout.
template <class S>
Seq<const S> branch(Step<S>& step, const std::string& name, Seq<const S> d) {
  if (step.dropout.p == 0) return d;
  const Seq<S> dropped = step.memory().temp(d, d.dim);
  dropped.rows() = d.rows();
  apply_dropout(step, name, dropped);
  return dropped;
}

}  // namespace

template <class S>
Sublayer<S>::Sublayer(const std::string& norm_name, Index dim, const NormSpec& norm,
                      const SublayerSpec<S>& spec, Params<S>& params)
    : norm_(norm_name, dim, norm, params),
      layer_(make_layer(spec, params)),
      context_(spec.context),
      name_(params.full_name(spec.name)),
      variant_(spec.variant),
      mixes_time_(spec.mixes_time) {}

template <class S>
Splits Sublayer<S>::splits() const {
  if (!mixes_time_) return Splits::any;
  return context_ == Context::self ? splits_of(*layer_) : Splits::none;
}

template <class S>
void Sublayer<S>::divide(const ContextParallel& parallel) {
  if (mixes_time_) heed::divide(variant_, *layer_, parallel);
}

template <class S>
double Sublayer<S>::exchanged_bytes(Index length) const {
  const auto* const divisible = dynamic_cast<const DivisibleLayer<S>*>(layer_.get());
  return mixes_time_ && divisible ? divisible->exchanged_bytes(length) : 0;
}

template <class S>
void Sublayer<S>::forward(Step<S>& step, Seq<const S> x, const Contexts<const S>& contexts, Seq<S> y) {
  const Seq<S> normed = step.memory().keep(x, x.dim);
  norm_.forward(step, x, normed);
  layer_->forward(step, normed, chosen<const S>(context_, normed, contexts), y);
  apply_dropout(step, name_, y);
  y.rows() += x.rows();
}

template <class S>
std::unique_ptr<LayerDecoder<S>> Sublayer<S>::decoder(Step<S>& step, Index batch, Index length,
                                                      Seq<const S> encoder) {
  if (context_ == Context::encoder) return layer_->context_decoder(step, encoder, length);
  return layer_->decoder(batch, length);
}

template <class S>
void Sublayer<S>::next(Step<S>& step, LayerDecoder<S>& decoder, Seq<const S> x, Seq<const S> embeddings,
                       Seq<S> y) {
  const Seq<S> normed = step.memory().keep(x, x.dim);
  norm_.forward(step, x, normed);
  decoder.next_with_context(step, normed, chosen<const S>(context_, normed, {{}, embeddings}), y);
  y.rows() += x.rows();
}

// With b the branch:   dL/dx = d + (db/dx)^T d
template <class S>
void Sublayer<S>::backward(Step<S>& step, Seq<const S> d, Seq<S> dx, const Contexts<S>& dcontexts) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> dnormed = memory.temp(d, d.dim);
  dnormed.rows().setZero();
  layer_->backward(step, branch<S>(step, name_, d), dnormed, chosen(context_, dnormed, dcontexts));
  norm_.backward(step, dnormed, dx);
}

template <class S>
Cost Sublayer<S>::cost(Index time, Index encoder_time) const {
  return layer_->cost(time, context_ == Context::encoder ? encoder_time : time);
}

template <class S>
Block<S>::Block(Index dim, const NormSpec& norm, const std::vector<SublayerSpec<S>>& sublayers,
                Params<S>& params) {
  for (const SublayerSpec<S>& spec : sublayers)
    sublayers_.emplace_back(fmt::format("norm{}", sublayers_.size() + 1), dim, norm, spec, params);
}

template <class S>
void Block<S>::forward(Step<S>& step, Seq<const S> x, const Contexts<const S>& contexts, Seq<S> y) {
  for (Sublayer<S>& sublayer : sublayers_) {
    const bool last = &sublayer == &sublayers_.back();
    const Seq<S> next = last ? y : step.memory().keep(x, x.dim);
    sublayer.forward(step, x, contexts, next);
    x = next;
  }
}

template <class S>
void Block<S>::backward(Step<S>& step, Seq<S> d, const Contexts<S>& dcontexts) {
  for (std::size_t i = sublayers_.size(); i-- > 1;) sublayers_[i].backward(step, d, d, dcontexts);
  // The first one adds to zeros: a fused multiply-add onto d would round once instead of twice, and results
  // of earlier versions could not be reproduced to the bit.
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> first = memory.temp(d, d.dim);
  first.rows().setZero();
  sublayers_[0].backward(step, d, first, dcontexts);
  d.rows() += first.rows();
}

template <class S>
Cost Block<S>::cost(Index time, Index encoder_time) const {
  Cost sum;
  for (const Sublayer<S>& sublayer : sublayers_) sum += sublayer.cost(time, encoder_time);
  return sum;
}

template class Sublayer<float>;
template class Sublayer<double>;
template class Block<float>;
template class Block<double>;

}  // namespace heed
