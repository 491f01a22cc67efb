#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/model/model.h"

namespace heed {

// Reads the tokens of some sequences one by one, and scores what comes next. Keeps of earlier tokens what the
// layers need (Layer::decoder). The model outlives it, and computes nothing else during next().
template <class S>
class Decoder {
 public:
  // Throws heed::Error if the model sees the future or has an encoder, reads vectors, or scores whole
  // sequences. length: of the longest sequence that will come, at most the model's.
  Decoder(Model<S>& model, Index batch, Index length);

  // Returns the logits (batch, classes) after one more token of each sequence, as a pass over all tokens so
  // far gives them. They are memory of the step, which the caller rewinds.
  Mat<S> next(Step<S>& step, std::span<const Token> tokens);

 private:
  Model<S>& model_;
  std::vector<std::unique_ptr<LayerDecoder<S>>> layers_;
  Index batch_, seen_ = 0;
};

extern template class Decoder<float>;
extern template class Decoder<double>;

}  // namespace heed
