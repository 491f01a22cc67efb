#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/model/model.h"

namespace heed {

// Decodes: reads the tokens of some sequences one by one and returns logits of the next token. Keeps of
// earlier tokens what the layers need (Layer::decoder). Requires: the model outlives it and runs no other
// pass during next().
template <class S>
class Decoder {
 public:
  // length: of the longest sequence, at most the model's. Throws: heed::Error if the model sees the future,
  // has an encoder, reads vectors, or scores whole sequences.
  Decoder(Model<S>& model, Index batch, Index length);

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
