#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/model/model.h"

namespace heed {

// Decodes: reads the tokens of some sequences one by one and returns logits of the next token. Keeps of
// earlier tokens what the layers need (Layer::decoder), and of the sources of an encoder-decoder, which its
// encoder reads once, what cross-attention needs (Layer::context_decoder). Requires: the model outlives it
// and runs no other pass during next().
template <class S>
class Decoder {
 public:
  // Uses the step and rewinds it. length: of the longest sequence, at most the model's; source: what the
  // encoder of an encoder-decoder reads. Throws: heed::Error if the model sees the future, reads vectors,
  // scores whole sequences, or has an encoder and gets no source.
  Decoder(Model<S>& model, Step<S>& step, Index batch, Index length, const SequenceBatch& source = {});

  // Returns the logits (batch, classes) after one more token of each sequence: those that a pass over all
  // tokens so far would give. They are in memory of the step, which the caller rewinds.
  Mat<S> next(Step<S>& step, std::span<const Token> tokens);

 private:
  Model<S>& model_;
  std::vector<std::unique_ptr<LayerDecoder<S>>> layers_;
  Index batch_, seen_ = 0;
};

extern template class Decoder<float>;
extern template class Decoder<double>;

}  // namespace heed
