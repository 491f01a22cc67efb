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
// among the top k. NaN counts as -infinity. Requires: top_k <= number of logits.
Token sample_token(std::span<const float> logits, const SampleOptions& options, Draws draws);

// Returns a model for sequences of up to `length` tokens with the parameters of the trained one; null if the
// trained one reads them as it is. Requires: the task has tokens and no source; reads_length.
std::unique_ptr<SizedModel> model_for_length(const TrialConfig& trial, const Task& task, Index length,
                                             Params<float>& trained, const Registry& registry);

// Can a trial's model read sequences of this length? Not if they are longer than in training and a parameter
// depends on the length, as a table of learned positions.
bool reads_length(const TrialConfig& trial, const Task& task, Index length, const Registry& registry);

// What a trained model generates: the rest of a text, images by class, or the target of a source.
enum class Sampled { nothing, text, images, targets };
// Returns what a model of this task generates. task: of the model's type.
Sampled what_is_sampled(const Task& task);

// Returns the tokens that every sequence begins with: the condition of a task whose sequences have an order
// and one kind of condition; otherwise none.
std::vector<Token> condition_of(const Task& task);

// Returns the tokens that a generated text begins with if its user does not say how: the condition, or a
// newline, if that is a token. Requires: the task has TokenizerTraits.
std::vector<Token> text_beginning(const Task& task);

// Sequences that begin with prompts of one length, (sequence, position).
struct Prompts {
  std::span<const Token> tokens;
  Index sequences = 1;
  std::uint64_t first = 0;  // the number of the first one, for its draws
};

// Continues prompts, token by token. The draw of a token depends only on the seed, the number of its sequence
// and its position, so the same seed gives the same tokens.
class Continuation {
 public:
  // length: of a prompt and everything after it. Requires: the prompts are not empty; the model reads
  // `length` tokens and outlives it. Throws: heed::Error if the model does not decode token by token.
  Continuation(Model<float>& model, const Prompts& prompts, Index length, const SampleOptions& options);

  // Returns the next token of each sequence. Valid until the next call.
  std::span<const Token> next();

 private:
  Step<float> step_{1, false};
  Decoder<float> decoder_;
  SampleOptions options_;
  Rng draws_;
  std::size_t sequences_;
  std::uint64_t first_;
  std::vector<Token> unread_;  // (position, sequence): the model has not read them
  std::uint64_t position_;     // of the next token
};

}  // namespace heed
