// Generating with a trained model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/model/decoder.h"
#include "core/registry.h"
#include "core/rng.h"
#include "core/task.h"
#include "experiments/train/train.h"
#include "experiments/trial/trial_config.h"

namespace heed {

struct SampleOptions {
  double temperature = 1;  // divides the logits; 0: the top-1 prediction
  Index top_k = 0;         // draws one of the k tokens with the largest logits; 0: of all
  std::uint64_t seed = 0;
};

// Draws a token with the probabilities softmax(logits / temperature). Of equal logits, the first tokens are
// among the top k. Requires: a finite logit; top_k <= number of logits.
Token sample_token(std::span<const float> logits, const SampleOptions& options, Draws draws);

// Returns a model for sequences of up to `length` tokens with the parameters of the trained one; null if the
// trained one reads them as it is. Requires: the task has tokens and no source; reads_length.
std::unique_ptr<SizedModel> model_for_length(const TrialConfig& trial, const Task& task, Index length,
                                             Params<float>& trained, const Registry& registry);

// Can a trial's model read sequences of this length? Not if they are longer than in training and a parameter
// depends on the length, as a table of learned positions.
bool reads_length(const TrialConfig& trial, const Task& task, Index length, const Registry& registry);

// Continues a prompt, token by token. The draw of a token depends only on the seed and its position, so the
// same seed gives the same tokens.
class Continuation {
 public:
  // length: of the prompt and everything after it. Requires: the prompt is not empty; the model reads
  // `length` tokens and outlives it. Throws: heed::Error if the model does not decode token by token.
  Continuation(Model<float>& model, std::span<const Token> prompt, Index length,
               const SampleOptions& options);

  Token next();

 private:
  Step<float> step_{1, false};
  Decoder<float> decoder_;
  SampleOptions options_;
  Rng draws_;
  std::vector<Token> unread_;  // the model has not read them
  std::uint64_t position_;     // of the next token
};

}  // namespace heed
