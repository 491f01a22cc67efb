#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/sample_parts.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/system/process.h"
#include "experiments/train/predictions.h"
#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

constexpr int kLength = 256;    // tokens that are generated
constexpr Index kExamples = 5;  // that are decoded without a prompt

// Generated text: printed as it comes, and written to a file when it is complete.
class Output {
 public:
  explicit Output(const Input& input) : path_(input.has("output") ? input.get<std::string>("output") : "") {
    if (!path_.empty()) refuse_existing(path_);
  }

  // Throws: Stopped if a signal asks for it.
  void write(const std::string& piece) {
    text_ += piece;
    write_message(stdout, piece);
    if (std::ferror(stdout)) throw results::IoError("standard output", "cannot be written.");
    if (signals_.asked().to_stop == 0) return;
    end_line();
    throw Stopped(path_.empty() ? "Stopped." : fmt::format("Stopped: {} was not written.", path_));
  }
  void finish() {
    end_line();
    if (!path_.empty()) results::write_text(path_, text_);
  }

 private:
  void end_line() const {
    if (!text_.ends_with('\n')) write_message(stdout, "\n");
  }

  std::string path_, text_;
  Signals signals_;
};

// ---- texts

// Why a text cannot be longer.
std::string why_it_ends(const SampledTrial& t) {
  if (annealing(own_task(*t.task)))
    return fmt::format("the model knows the places of {} tokens (task.order: {}).",
                       t.own_shape().input.length, t.trial.task.options.find("order")->text());
  return fmt::format(
      "the model has parameters for {} positions (model.positions: {}). Sweeps with none, sinusoidal, rope "
      "or alibi train models without this limit.",
      t.own_shape().input.length, t.trial.positions.name);
}

// Returns how many tokens are generated after `read` ones, of which the user gave `prompt`. Parameters may
// end at the length of the training.
Index read_length(const Input& input, const SampledTrial& t, Index read, Index prompt,
                  const Registry& registry) {
  const Index wanted = integer_option(input, "length", kLength), trained = t.own_shape().input.length;
  if (reads_length(t.trial, *t.task, read + wanted - 1, registry)) return wanted;
  const std::string why = fmt::format("the prompt has {} tokens, and {}", prompt, why_it_ends(t));
  const Index most = trained + 1 - read;  // nothing reads the last token
  if (most < 1) throw UsageError(fmt::format("--prompt is too long: {}", why));
  if (input.has("length"))
    throw UsageError(fmt::format("--length is {} but must be at most {}: {}", wanted, most, why));
  return most;
}

// Returns the tokens that the text begins with, behind the condition if there is one.
std::vector<Token> read_beginning(const Input& input, const SampledTrial& t) {
  if (!input.has("prompt")) return text_beginning(*t.task);
  std::vector<Token> tokens = condition_of(*t.task);
  for (const Token token : encode_prompt(input, t)) tokens.push_back(token);
  return tokens;
}

}  // namespace

void continue_text(const Input& input, const SampledTrial& t, const Registry& registry) {
  refuse_without_effect(input, t, {"count"}, "heed generates one text");
  const SampleOptions options = read_sample_options(input, t.own_shape().classes);
  const std::vector<Token> beginning = read_beginning(input, t);
  const auto read = std::ssize(beginning), condition = std::ssize(condition_of(*t.task));
  const Index length = read_length(input, t, read, read - condition, registry), positions = read + length - 1;
  const std::unique_ptr<SizedModel> longer =
      model_for_length(t.trial, *t.task, positions, t.model->params, registry);
  Continuation continuation(longer ? longer->model : t.model->model, {beginning}, positions, options);
  Output output(input);
  if (input.has("prompt")) output.write(input.get<std::string>("prompt"));
  for (Index i = 0; i < length; ++i) output.write(t.tokenizer->decode(continuation.next().front()));
  output.finish();
}

// ---- targets

namespace {

void decode_prompt(const Input& input, const SampledTrial& t) {
  const std::vector<Token> source = encode_prompt(input, t);
  if (const Index most = t.own_shape().source.length; std::ssize(source) > most)
    throw UsageError(fmt::format(
        "--prompt is too long: it has {} tokens, and a source of the task at most {}.", source.size(), most));
  Step<float> step(1, false);
  Output output(input);
  output.write(to_text(*t.task, decode_source(t.model->model, step, *t.task, source)));
  output.finish();
}

void decode_examples(const Input& input, const SampledTrial& t) {
  const Split split = t.task->size(Split::test) == Index{0} ? Split::validation : Split::test;
  const Index count = std::min(kExamples, t.task->size(split).value_or(kExamples));
  Step<float> step(1, false);
  Output output(input);
  for (Index i = 0; i < count; ++i) {
    const Prediction p = without_end(decode_greedily(t.model->model, step, *t.task, split, i, 1).front());
    output.write(fmt::format("{}{}", i == 0 ? "" : "\n", comparison_text(*t.task, p)));
  }
  output.finish();
}

}  // namespace

void decode_targets(const Input& input, const SampledTrial& t) {
  refuse_without_effect(input, t, {"length", "temperature", "top-k", "seed", "count"},
                        "heed decodes its targets greedily, until they end");
  if (input.has("prompt"))
    decode_prompt(input, t);
  else
    decode_examples(input, t);
}

}  // namespace heed::cli
