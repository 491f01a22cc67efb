#include "core/model/model.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace heed {
namespace {

// Rows (sequences x time) that go through the model together: enough to keep matrix products busy, few enough
// that a layer's activations stay in the second-level cache (width 64: 1024 x 64 x 4 B = 256 KiB an
// activation).
constexpr Index kMicroBatchRows = 1024;

// Throws: heed::Error if parts of the spec do not fit together.
const ModelSpec& check(const ModelSpec& spec) {
  if (spec.class_token && spec.shape.labels != Labels::per_sequence)
    throw Error("a class token needs a task with one label per sequence.");
  if (spec.ordered && (spec.shape.input.kind != Stream::Kind::tokens ||
                       spec.shape.model != ModelType::decoder || spec.shape.labels != Labels::per_position))
    throw Error(
        "tokens that may be read in any order need a model of type 'decoder' and a label at each position.");
  if (spec.options.tied &&
      (spec.shape.input.kind != Stream::Kind::tokens || spec.shape.input.width != spec.shape.classes))
    throw Error("'tied' needs a task whose labels are of the same vocabulary as its tokens.");
  return spec;
}

// Returns why the sequences of a model cannot be divided among ranks, whatever its layers claim.
std::string why_whole(const ModelSpec& spec) {
  if (spec.shape.model == ModelType::encoder_decoder) return "a model of two sequences";
  if (spec.shape.labels == Labels::per_sequence) return "a task with one label per sequence";
  if (spec.shape.input.kind != Stream::Kind::tokens) return "a task of vectors";
  if (spec.expand) return "a task that predicts from the last position";
  if (spec.ordered) return "a task whose tokens are read in any order";
  return "";
}

template <class S>
Seq<S> zeros(Step<S>& step, Seq<const S> like) {
  const Seq<S> x = step.memory().temp(like, like.dim);
  x.rows().setZero();
  return x;
}

}  // namespace

template <class S>
Model<S>::Half::Half(const Stream& stream, StackSpec<S> spec, const ModelSpec& model,
                     const Registry& registry, Params<S>& params)
    : input(stream, model, registry, params), stack([&] {
        spec.length = input.rows(stream.length);
        spec.position = input.position();
        return Stack<S>(spec, model, registry, params);
      }()) {}

template <class S>
Seq<S> Model<S>::Half::forward(Step<S>& step, const SequenceBatch& in, Index batch, Seq<const S> context) {
  return stack.forward(step, input.forward(step, in, batch), context);
}

template <class S>
void Model<S>::Half::backward(Step<S>& step, Seq<const S> dy, Seq<S> dcontext) {
  const Seq<S> dx = step.memory().temp(dy, dy.dim);
  stack.backward(step, dy, dx, dcontext);
  input.backward(step, dx);
}

template <class S>
std::optional<typename Model<S>::Half> Model<S>::make_encoder(const ModelSpec& spec, const Registry& registry,
                                                              Params<S>& params) {
  if (spec.shape.model != ModelType::encoder_decoder) return std::nullopt;
  const auto scope = params.scope("encoder");
  return Half(spec.shape.source,
              {.layers = spec.encoder_layers > 0 ? spec.encoder_layers : spec.options.layers,
               .attention = spec.encoder_attention.empty() ? spec.attention : spec.encoder_attention,
               .causal = false},
              spec, registry, params);
}

template <class S>
typename Model<S>::Half Model<S>::make_main(const ModelSpec& spec, const Registry& registry,
                                            Params<S>& params) {
  StackSpec<S> stack{.layers = spec.options.layers,
                     .attention = spec.attention,
                     .causal = spec.shape.model != ModelType::encoder};
  if (spec.shape.model == ModelType::encoder_decoder) {
    stack.cross_attention = spec.cross_attention.empty() ? spec.attention : spec.cross_attention;
    stack.context_length = spec.shape.source.length;
  }
  return Half(spec.shape.input, stack, spec, registry, params);
}

template <class S>
Model<S>::Model(const ModelSpec& spec, const Registry& registry, Params<S>& params)
    : classes_(check(spec).shape.classes),
      causal_(spec.shape.model == ModelType::decoder),
      why_whole_(why_whole(spec)),
      encoder_(make_encoder(spec, registry, params)),
      main_(make_main(spec, registry, params)),
      output_(spec, spec.options.tied ? main_.input.table() : Param<S>(), params) {}

template <class S>
Splits Model<S>::splits() const {
  if (!why_whole_.empty())
    throw Error(fmt::format("{} cannot divide its sequences among ranks.", why_whole_));
  return main_.stack.splits();
}

template <class S>
void Model<S>::divide(Communicator& communicator) {
  own_ = std::make_unique<OwnPart>(communicator, balanced_split(splits(), causal_, communicator.size()));
  main_.input.divide(own_->parallel());
  main_.stack.divide(own_->parallel());
}

template <class S>
Layer<S>& Model<S>::attention(Index block, AttentionPlace place) {
  if (place == AttentionPlace::encoder) return encoder_->stack.block(block).attention();
  Block<S>& own = main_.stack.block(block);
  return place == AttentionPlace::cross ? own.cross_attention() : own.attention();
}

template <class S>
Index Model<S>::blocks(AttentionPlace place) const {
  if (place == AttentionPlace::self) return main_.stack.blocks();
  if (!encoder_) return 0;
  return place == AttentionPlace::encoder ? encoder_->stack.blocks() : main_.stack.blocks();
}

template <class S>
Index Model<S>::micro_batch(Index time, Index source_time) const {
  const Index rows = main_.input.rows(time) + (encoder_ ? encoder_->input.rows(source_time) : 0);
  return std::max<Index>(1, kMicroBatchRows / rows);
}

template <class S>
Seq<S> Model<S>::hidden(Step<S>& step, const Batch& batch) {
  if (encoder_) context_ = encoder_->forward(step, batch.source, batch.batch, {});
  return main_.forward(step, batch.input, batch.batch, context_);
}

// Back through the parts in reverse order. The encoder gets the sum of what all blocks of the decoder give
// to the context.
template <class S>
Score Model<S>::learn(Step<S>& step, const Batch& batch, S weight) {
  const Seq<S> h = hidden(step, batch);
  Mat<S> z = output_.forward(step, h, batch);
  const Score score = cross_entropy(step, z, output_.labels(), weight);

  const Seq<S> dh = step.memory().temp(h, h.dim);
  const Seq<S> dcontext = encoder_ ? zeros<S>(step, context_) : Seq<S>();
  output_.backward(step, z, dh);
  main_.backward(step, dh, dcontext);
  if (encoder_) encoder_->backward(step, dcontext, {});
  step.rewind();
  return score;
}

template <class S>
Score Model<S>::accumulate(Step<S>& step, const Batch& batch, Index micro) {
  if (micro == 0) {  // all of about the same size
    const Index most = micro_batch(batch.input.time, batch.source.time),
                parts = (batch.batch + most - 1) / most;
    micro = (batch.batch + parts - 1) / parts;
  }
  const Index scored = batch.scored();
  const S weight = scored ? static_cast<S>(1.0 / static_cast<double>(scored)) : S(0);
  Score total;
  for (Index from = 0; from < batch.batch; from += micro) {
    step.dropout.first = from;
    total += learn(step, own(batch.part(from, std::min(micro, batch.batch - from))), weight);
  }
  return of_all_ranks(total);
}

template <class S>
Score Model<S>::of_all_ranks(const Score& score) {
  if (!own_) return score;
  std::array<double, 3> sums = {score.loss, static_cast<double>(score.scored),
                                static_cast<double>(score.correct)};
  own_->parallel().communicator.sum(std::span<double>(sums));
  return {sums[0], static_cast<Index>(sums[1]), static_cast<Index>(sums[2])};
}

template <class S>
Score Model<S>::evaluate(Step<S>& step, const Batch& batch, std::span<Token> predicted,
                         std::span<S> kept_logits) {
  Score total;
  const Index micro = micro_batch(batch.input.time, batch.source.time);
  if (own_) {  // the ranks' results are added
    std::ranges::fill(predicted, Token(0));
    std::ranges::fill(kept_logits, S(0));
  }
  std::size_t at = 0;
  for (Index from = 0; from < batch.batch; from += micro) {
    const Batch whole = batch.part(from, std::min(micro, batch.batch - from)), part = own(whole);
    const std::span<Token> top =
        step.memory().template keep_span<Token>(predicted.empty() ? 0 : part.scored());
    Mat<S> z = output_.forward(step, hidden(step, part), part);
    const auto place = [&](std::size_t row) { return at + (own_ ? own_->places()[row] : row); };
    for (Index r = 0; r < z.rows() && !kept_logits.empty(); ++r)
      mat(kept_logits.data() + static_cast<Index>(place(static_cast<std::size_t>(r))) * classes_, 1,
          classes_) = z.row(r);
    total += cross_entropy(step, z, output_.labels(), S(0), top);
    for (std::size_t r = 0; r < top.size(); ++r) predicted[place(r)] = top[r];
    at += static_cast<std::size_t>(whole.scored());
    step.rewind();
  }
  if (own_) {
    own_->parallel().communicator.sum(predicted);
    own_->parallel().communicator.sum(kept_logits);
  }
  return of_all_ranks(total);
}

template <class S>
Cost Model<S>::cost(Index time, Index labels, Index source_time) const {
  const auto of = [](const Half& side, Index length, Index context_length) {
    Cost sum = side.stack.cost(side.input.rows(length), context_length);
    sum.flops += side.input.flops(length);
    return sum;
  };
  const Index context = encoder_ ? encoder_->input.rows(source_time) : 0;
  Cost sum = of(main_, time, context);
  if (encoder_) sum.flops += of(*encoder_, source_time, 0).flops;
  sum.flops += output_.flops(labels);
  return sum;
}

template class Model<float>;
template class Model<double>;

}  // namespace heed
