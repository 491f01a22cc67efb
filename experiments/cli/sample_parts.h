// The parts of `heed sample`, by what a model generates.
#pragma once

#include <memory>
#include <string>

#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/cli/command.h"
#include "experiments/train/sample.h"
#include "experiments/train/train.h"
#include "experiments/trial/task_of.h"

namespace heed::cli {

// A trained model, and its task.
struct SampledTrial {
  std::string id;
  TrialConfig trial;
  std::unique_ptr<Task> task = nullptr;  // as the model reads it
  std::unique_ptr<SizedModel> model = nullptr;
  const TokenizerTraits* tokenizer = nullptr;  // null: tokens are written as numbers

  TaskShape own_shape() const { return own_task(*task).shape(); }
};

// Returns the options of the draws. Throws: UsageError. tokens: how many different ones are generated.
SampleOptions read_sample_options(const Input& input, Index tokens);

// Returns the tokens of --prompt. Throws: UsageError.
std::vector<Token> encode_prompt(const Input& input, const SampledTrial& t);

// Throws: UsageError if one of the options is given. why: "heed decodes targets greedily".
void refuse_without_effect(const Input& input, const SampledTrial& t,
                           std::initializer_list<const char*> options, const std::string& why);

// Continues a text, and prints it as it comes.
void continue_text(const Input& input, const SampledTrial& t, const Registry& registry);
// Decodes the target of the prompt, or of some examples.
void decode_targets(const Input& input, const SampledTrial& t);
// Writes images of each class to a PNG file.
void draw_images(const Input& input, const SampledTrial& t);

}  // namespace heed::cli
