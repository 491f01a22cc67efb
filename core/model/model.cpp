#include "core/model/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/ops/dropout.h"
#include "core/ops/embedding.h"
#include "core/ops/product.h"

namespace heed {
namespace {

// Rows (sequences x time) that go through the model together: enough to keep matrix products busy, few enough
// that a layer's activations stay in the second-level cache (width 64: 1024 x 64 x 4 B = 256 KiB an
// activation).
constexpr Index kMicroBatchRows = 1024;

// task(from, n) for blocks of rows; cut by problem size
template <class S, class Task>
void for_row_blocks(Step<S>& step, Index rows, Task&& task) {
  constexpr Index block = 128;
  step.parallel_for((rows + block - 1) / block,
                    [&](Index i, Memory<S>&) { task(i * block, std::min(block, rows - i * block)); });
}

NormSpec norm_spec(const ModelOptions& o, bool gain) {
  return {o.norm == "rms" ? NormKind::rms : NormKind::layer, o.norm_eps, gain, o.bias};
}

// Block number layer.depth, with the attention whose turn it is.
template <class S>
std::unique_ptr<Block<S>> make_block(const ModelSpec& spec, const LayerSpec<S>& layer,
                                     const Registry& registry, Params<S>& params) {
  const Choice& attention = spec.attention[static_cast<std::size_t>(layer.depth) % spec.attention.size()];
  const VariantInfo& info = registry.variant(attention.name);
  const BlockStyle style = info.block_style(attention.options);
  const Choice feed_forward = own_feed_forward(style, spec.feed_forward).value_or(spec.feed_forward);

  const auto scope = params.scope(fmt::format("blocks.{}", layer.depth));
  const auto make_attention = [&] { return info.make(attention.options, layer, params); };
  typename Block<S>::MakeSlot make_feed_forward;
  if (feed_forward.name != "none")
    make_feed_forward = [&] {
      return registry.variant(feed_forward.name).make(feed_forward.options, layer, params);
    };
  return std::make_unique<Block<S>>(spec.options.dim, norm_spec(spec.options, style.norm_gain),
                                    make_attention, make_feed_forward, params);
}

}  // namespace

Batch Batch::part(Index from, Index sequences) const {
  const auto cut = [&](std::span<const Token> all) {
    return all.subspan(static_cast<std::size_t>(from * time), static_cast<std::size_t>(sequences * time));
  };
  return {cut(tokens), cut(labels), sequences, time};
}

Index Batch::scored() const {
  return std::count_if(labels.begin(), labels.end(), [](Token t) { return t != kUnscored; });
}

template <class S>
Model<S>::Model(const ModelSpec& spec, const Registry& registry, Params<S>& params) : spec_(spec) {
  const ModelOptions& o = spec.options;
  embedding_ = params.declare("embedding", spec.vocabulary, o.dim, Init::normal(0.02), Role::undecayed);
  if (spec.positions.name != "none") {
    const auto scope = params.scope("positions");
    position_ = registry.position(spec.positions.name)
                    .make(spec.positions.options, {o.dim, o.heads, spec.length}, params);
  }
  LayerSpec<S> layer{.dim = o.dim,
                     .context_dim = o.dim,
                     .heads = o.heads,
                     .layers = o.layers,
                     .length = spec.length,
                     .causality = {spec.causal, {}},
                     .bias = o.bias,
                     .position = position_.get()};
  for (layer.depth = 0; layer.depth < o.layers; ++layer.depth)
    blocks_.push_back(make_block(spec, layer, registry, params));
  norm_ = std::make_unique<Norm<S>>("norm", o.dim, norm_spec(o, true), params);
  if (!o.tied) head_ = params.declare("head", o.dim, spec.vocabulary, Init::normal(0.02), Role::decayed);
}

template <class S>
Index Model<S>::micro_batch(Index time) const {
  return std::max<Index>(1, kMicroBatchRows / time);
}

template <class S>
Seq<S> Model<S>::hidden(Step<S>& step, const Batch& batch) {
  Memory<S> memory = step.memory();
  const Index dim = spec_.options.dim;
  streams_.resize(blocks_.size() + 1);
  for (Seq<S>& s : streams_) s = memory.keep(batch.batch, batch.time, dim);
  embed<S>(embedding_.value(), batch.tokens, streams_[0].rows());
  if (position_) position_->embed(streams_[0], 0);
  apply_dropout<S>(step, "embedding", streams_[0]);
  for (std::size_t i = 0; i < blocks_.size(); ++i) blocks_[i]->forward(step, streams_[i], streams_[i + 1]);
  const Seq<S> out = memory.keep(batch.batch, batch.time, dim);
  norm_->forward(step, streams_.back(), out);
  return out;
}

template <class S>
Mat<S> Model<S>::gather(Step<S>& step, const Batch& batch, Seq<const S> hidden,
                        std::span<Token>& labels) const {
  const Index scored = batch.scored();
  Mat<S> rows = step.memory().keep(scored, hidden.dim);
  labels = step.memory().template keep_span<Token>(scored);
  Index r = 0;
  for (Index i = 0; i < batch.batch * batch.time; ++i)
    if (const Token label = batch.labels[static_cast<std::size_t>(i)]; label != kUnscored) {
      labels[static_cast<std::size_t>(r)] = label;
      rows.row(r++) = hidden.rows().row(i);
    }
  return rows;
}

template <class S>
Mat<S> Model<S>::logits(Step<S>& step, Mat<S> rows) const {
  // Rows lie a cache line further apart than they need: a power of two between them, as most vocabularies
  // are, would put them all into a few sets of the cache.
  constexpr Index line = kAlignment / sizeof(S);
  const Index stride = (spec_.vocabulary + line - 1) / line * line + line;
  Mat<S> z(step.memory().template keep_span<S>(rows.rows() * stride).data(), rows.rows(), spec_.vocabulary,
           Eigen::OuterStride<>(stride));
  for_row_blocks(step, rows.rows(), [&](Index from, Index n) {
    if (head_)
      product_ab(row_block(rows, from, n), head_.value(), row_block(z, from, n));
    else
      product_abt(row_block(rows, from, n), embedding_.value(), row_block(z, from, n));
  });
  return z;
}

// With W the head (the embedding's transpose where it is tied) and h the scored rows of the normed output:
//     z = h W    dh = dz W^T    dW += h^T dz (each task owns columns of W)
// then back through norm, blocks and embedding.
template <class S>
Score Model<S>::learn(Step<S>& step, const Batch& batch, S weight) {
  const Seq<S> out = hidden(step, batch);
  std::span<Token> labels;
  Mat<S> h = gather(step, batch, out, labels);
  Mat<S> z = logits(step, h);
  const Score score = cross_entropy(step, z, labels, weight);

  constexpr Index panel = 256;
  step.parallel_for((spec_.vocabulary + panel - 1) / panel, [&](Index i, Memory<S>&) {
    const Index from = i * panel, n = std::min(panel, spec_.vocabulary - from);
    if (head_)
      add_product_atb(h, column_block(z, from, n), column_block(head_.grad(), from, n));
    else
      add_product_atb(column_block(z, from, n), h, row_block(embedding_.grad(), from, n));
  });
  Memory<S> memory = step.memory();
  const Index dim = spec_.options.dim;
  const Seq<S> dout = memory.temp(batch.batch, batch.time, dim);
  dout.rows().setZero();
  Mat<S> dh = memory.temp(h.rows(), dim);
  for_row_blocks(step, h.rows(), [&](Index from, Index n) {
    if (head_)
      product_abt(row_block(z, from, n), head_.value(), row_block(dh, from, n));
    else
      product_ab(row_block(z, from, n), embedding_.value(), row_block(dh, from, n));
  });
  Index r = 0;
  for (Index i = 0; i < batch.batch * batch.time; ++i)
    if (batch.labels[static_cast<std::size_t>(i)] != kUnscored) dout.rows().row(i) = dh.row(r++);

  Seq<S> d = memory.temp(batch.batch, batch.time, dim), below = memory.temp(batch.batch, batch.time, dim);
  d.rows().setZero();
  norm_->backward(step, dout, d);
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    below.rows().setZero();
    blocks_[i]->backward(step, d, below);
    std::swap(d, below);
  }
  apply_dropout<S>(step, "embedding", d);
  if (position_) position_->embed_backward(d);
  embed_backward<S>(batch.tokens, d.rows(), embedding_.grad());
  step.rewind();
  return score;
}

template <class S>
Score Model<S>::accumulate(Step<S>& step, const Batch& batch, Index micro) {
  if (micro == 0) {  // all of about the same size
    const Index parts = (batch.batch + micro_batch(batch.time) - 1) / micro_batch(batch.time);
    micro = (batch.batch + parts - 1) / parts;
  }
  const Index scored = batch.scored();
  const S weight = scored ? static_cast<S>(1.0 / static_cast<double>(scored)) : S(0);
  Score total;
  for (Index from = 0; from < batch.batch; from += micro) {
    step.dropout.first = from;
    total += learn(step, batch.part(from, std::min(micro, batch.batch - from)), weight);
  }
  return total;
}

template <class S>
Score Model<S>::evaluate(Step<S>& step, const Batch& batch, std::span<Token> predicted,
                         std::span<S> kept_logits) {
  Score total;
  const Index micro = micro_batch(batch.time);
  std::size_t at = 0;
  for (Index from = 0; from < batch.batch; from += micro) {
    const Batch part = batch.part(from, std::min(micro, batch.batch - from));
    std::span<Token> labels;
    Mat<S> h = gather(step, part, hidden(step, part), labels);
    Mat<S> z = logits(step, h);
    if (!kept_logits.empty())
      mat(kept_logits.data() + static_cast<Index>(at) * spec_.vocabulary, z.rows(), z.cols()) = z;
    total += cross_entropy(step, z, labels, S(0),
                           predicted.empty() ? predicted : predicted.subspan(at, labels.size()));
    at += labels.size();
    step.rewind();
  }
  return total;
}

template <class S>
Cost Model<S>::cost(Index time, Index scored) const {
  Cost sum;
  for (const auto& block : blocks_) {
    const Cost c = block->cost(time);
    sum.flops += c.flops;
    sum.state_bytes += c.state_bytes;
  }
  sum.flops += 2.0 * static_cast<double>(scored * spec_.options.dim * spec_.vocabulary);
  return sum;
}

template <class S>
std::vector<ComponentCount> count_components(const Params<S>& params) {
  std::vector<ComponentCount> out = {{"attention"}, {"feed-forward"}, {"embedding"}, {"head"},
                                     {"biases"},    {"norms"},        {"positions"}};
  for (const ParamInfo& p : params.infos()) {
    if (p.role == Role::fixed) continue;
    const auto has = [&](const char* part) { return p.name.find(part) != std::string::npos; };
    const bool norm = has("norm1.") || has("norm2.") || p.name.rfind("norm.", 0) == 0;
    const std::size_t at = norm                                 ? 5
                           : p.name.rfind("positions.", 0) == 0 ? 6
                           : p.name == "embedding"              ? 2
                           : p.name == "head"                   ? 3
                           : p.name.ends_with(".bias")          ? 4
                           : has(".feed_forward.")              ? 1
                                                                : 0;
    out[at].parameters += p.rows * p.cols;
  }
  return out;
}

template class Model<float>;
template class Model<double>;
template std::vector<ComponentCount> count_components(const Params<float>&);
template std::vector<ComponentCount> count_components(const Params<double>&);

}  // namespace heed
