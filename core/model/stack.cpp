#include "core/model/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heed {
namespace {

NormSpec norm_spec(const ModelOptions& o, bool gain) {
  return {o.norm == "rms" ? NormKind::rms : NormKind::layer, o.norm_eps, gain, o.bias};
}

// Returns a sublayer with the chosen variant. Throws: heed::Error if the variant does not support the
// required kind of attention.
template <class S>
SublayerSpec<S> sublayer(const char* name, Component component, const Choice& choice,
                         const LayerSpec<S>& layer, bool cross, const Registry& registry, Params<S>& params) {
  const VariantInfo& info = registry.variant(choice.name);
  const Traits traits = info.traits(choice.options);
  if (cross && !traits.cross)
    throw Error(fmt::format("'{}' cannot attend to another sequence (cross-attention).", choice.name));
  if (!layer.causality.causal && !traits.bidirectional)
    throw Error(fmt::format("'{}' cannot attend without a causal mask.", choice.name));
  const Context context = cross                     ? Context::encoder
                          : traits.reads_embeddings ? Context::embeddings
                                                    : Context::self;
  return {name,        [&info, &choice, layer, &params] { return info.make(choice.options, layer, params); },
          context,     component,
          choice.name, traits.mixes_time};
}

const Choice& in_turn(const std::vector<Choice>& all, Index block) {
  return all[static_cast<std::size_t>(block) % all.size()];
}

// Block number layer.depth: self-attention, cross-attention if there is any, feed-forward if there is any.
template <class S>
Block<S> make_block(const StackSpec<S>& spec, const ModelSpec& model, const LayerSpec<S>& layer,
                    const Registry& registry, Params<S>& params) {
  const Choice& attention = in_turn(spec.attention, layer.depth);
  const BlockStyle style = registry.variant(attention.name).block_style(attention.options);
  const Choice feed_forward = own_feed_forward(style, model.feed_forward).value_or(model.feed_forward);
  LayerSpec<S> across = layer;
  across.length = std::max(spec.length, spec.context_length);
  across.causality.causal = false;
  across.position = nullptr;

  std::vector<SublayerSpec<S>> sublayers;
  sublayers.push_back(sublayer("attention", Component::attention, attention, layer, false, registry, params));
  if (!spec.cross_attention.empty())
    sublayers.push_back(sublayer("cross_attention", Component::attention,
                                 in_turn(spec.cross_attention, layer.depth), across, true, registry, params));
  if (feed_forward.name != "none")
    sublayers.push_back(
        sublayer("feed_forward", Component::feed_forward, feed_forward, layer, false, registry, params));
  const auto scope = params.scope(fmt::format("blocks.{}", layer.depth));
  return {model.options.dim, norm_spec(model.options, style.norm_gain), sublayers, params};
}

}  // namespace

template <class S>
Stack<S>::Stack(const StackSpec<S>& spec, const ModelSpec& model, const Registry& registry,
                Params<S>& params) {
  const ModelOptions& o = model.options;
  LayerSpec<S> layer{.dim = o.dim,
                     .context_dim = o.dim,
                     .heads = o.heads,
                     .layers = spec.layers,
                     .length = spec.length,
                     .causality = {spec.causal, {}},
                     .bias = o.has_linear_bias(),
                     .position = spec.position};
  for (layer.depth = 0; layer.depth < spec.layers; ++layer.depth)
    blocks_.push_back(make_block(spec, model, layer, registry, params));
  norm_.emplace("norm", o.dim, norm_spec(o, true), params);
  residual_.reserve(blocks_.size() + 1);  // forward does not allocate
}

template <class S>
Seq<S> Stack<S>::forward(Step<S>& step, Seq<const S> x, Seq<const S> context) {
  Memory<S> memory = step.memory();
  const Contexts<const S> contexts{context, x};
  residual_.assign(1, x);
  for (Block<S>& block : blocks_) {
    const Seq<S> next = memory.keep(x, x.dim);
    block.forward(step, x, contexts, next);
    residual_.push_back(x = next);
  }
  const Seq<S> y = memory.keep(x, x.dim);
  norm_->forward(step, x, y);
  return y;
}

template <class S>
std::vector<std::unique_ptr<LayerDecoder<S>>> Stack<S>::decoders(Step<S>& step, Index batch, Index length,
                                                                 Seq<const S> context) {
  std::vector<std::unique_ptr<LayerDecoder<S>>> out;
  for (Block<S>& block : blocks_)
    for (Sublayer<S>& sublayer : block.sublayers())
      out.push_back(sublayer.decoder(step, batch, length, context));
  return out;
}

template <class S>
Seq<S> Stack<S>::next(Step<S>& step, std::span<const std::unique_ptr<LayerDecoder<S>>> decoders,
                      Seq<const S> x) {
  Memory<S> memory = step.memory();
  const Seq<const S> embeddings = x;
  std::size_t at = 0;
  for (Block<S>& block : blocks_)
    for (Sublayer<S>& sublayer : block.sublayers()) {
      const Seq<S> y = memory.keep(x, x.dim);
      sublayer.next(step, *decoders[at++], x, embeddings, y);
      x = y;
    }
  const Seq<S> y = memory.keep(x, x.dim);
  norm_->forward(step, x, y);
  return y;
}

// dx goes down through the blocks in place. What layers give to the embeddings is added at the end.
template <class S>
void Stack<S>::backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const bool more = reads_embeddings();
  const Contexts<S> dcontexts{dcontext, more ? memory.temp(dx, dx.dim) : Seq<S>()};
  if (more) dcontexts.embeddings.rows().setZero();
  dx.rows().setZero();
  norm_->backward(step, dy, dx);
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) block->backward(step, dx, dcontexts);
  if (more) dx.rows() += dcontexts.embeddings.rows();
}

template <class S>
Splits Stack<S>::splits() const {
  Splits weakest = Splits::any;
  for (const Block<S>& block : blocks_)
    for (const Sublayer<S>& sublayer : block.sublayers()) {
      weakest = std::min(weakest, sublayer.splits());
      if (weakest == Splits::none)
        throw Error(
            fmt::format("'{}' with its options needs whole sequences: it cannot divide them among ranks.",
                        sublayer.variant()));
    }
  return weakest;
}

template <class S>
void Stack<S>::divide(const ContextParallel& parallel) {
  for (Block<S>& block : blocks_)
    for (Sublayer<S>& sublayer : block.sublayers()) sublayer.divide(parallel);
}

template <class S>
double Stack<S>::exchanged_bytes(Index length) const {
  double sum = 0;
  for (const Block<S>& block : blocks_)
    for (const Sublayer<S>& sublayer : block.sublayers()) sum += sublayer.exchanged_bytes(length);
  return sum;
}

template <class S>
bool Stack<S>::reads_embeddings() const {
  return std::ranges::any_of(blocks_, [](const Block<S>& block) {
    return std::ranges::any_of(block.sublayers(), [](const Sublayer<S>& sublayer) {
      return sublayer.context() == Context::embeddings;
    });
  });
}

template <class S>
Cost Stack<S>::cost(Index time, Index context_time) const {
  Cost sum;
  for (const Block<S>& block : blocks_) sum += block.cost(time, context_time);
  return sum;
}

template class Stack<float>;
template class Stack<double>;

}  // namespace heed
