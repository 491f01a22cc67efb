#include "core/model/decoder.h"

#include "core/error.h"

namespace heed {

template <class S>
Decoder<S>::Decoder(Model<S>& model, Step<S>& step, Index batch, Index length, const SequenceBatch& source)
    : model_(model), batch_(batch) {
  if (!model.main_.input.table() || model.main_.input.rows(0) != 0)
    throw Error("only a model that reads tokens decodes token by token.");
  if (model.output_.expands())
    throw Error("a model that predicts all labels from its last position does not decode token by token.");
  if (model.encoder_.has_value() != (source.time > 0))
    throw Error("an encoder-decoder decodes the target of a source, and other models read no source.");
  const Seq<S> context = model.encoder_ ? model.encoder_->forward(step, source, batch, {}) : Seq<S>();
  layers_ = model.main_.stack.decoders(step, batch, length, context);
  step.rewind();
}

template <class S>
Mat<S> Decoder<S>::next(Step<S>& step, std::span<const Token> tokens) {
  HEED_CHECK(std::ssize(tokens) == batch_, "one token of each sequence is decoded at a time");
  // The value of a label does not matter here, only that its position is scored.
  const Batch batch = token_batch(tokens, tokens, batch_, 1);
  const Seq<S> x = model_.main_.input.forward(step, batch.input, batch_, seen_++);
  return model_.output_.forward(step, model_.main_.stack.next(step, layers_, x), batch);
}

template class Decoder<float>;
template class Decoder<double>;

}  // namespace heed
