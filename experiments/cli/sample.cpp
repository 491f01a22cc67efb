#include "experiments/cli/sample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "core/task_traits.h"
#include "experiments/cli/trial_input.h"
#include "experiments/run/run_directory.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/system/process.h"
#include "experiments/train/predictions.h"
#include "experiments/train/sample.h"
#include "experiments/train/saved_model.h"
#include "experiments/trial/task_of.h"
#include "results/atomic_file.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed::cli {
namespace {

constexpr int kLength = 256;    // tokens that are generated
constexpr Index kExamples = 5;  // that are decoded without a prompt

// A trained model, and its task.
struct Trained {
  TrialConfig trial;
  std::unique_ptr<Task> task;  // as the model reads it
  std::unique_ptr<SizedModel> model;
  const TokenizerTraits* tokenizer;  // null: tokens are written as numbers

  TaskShape own_shape() const { return own_task(*task).shape(); }
  bool has_source() const { return own_shape().source.kind == Stream::Kind::tokens; }
};

// Generated text: printed as it comes, and written to a file when it is complete.
class Output {
 public:
  explicit Output(const Input& input) : path_(input.has("output") ? input.get<std::string>("output") : "") {
    if (!path_.empty()) refuse_to_replace(path_, "sample", [] { return false; });
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

// Returns the trial of --trial, or the only one of the run.
PlanLine chosen(const RunDirectory& directory, const Input& input) {
  if (input.has("trial")) return lines_of(directory, {input.get<std::string>("trial")}).front();
  const std::vector<PlanLine> plan = directory.read_plan();
  if (plan.size() == 1) return plan.front();
  throw UsageError(fmt::format(
      "--trial is missing: {} has {} trials. Its plan.tsv lists them; the first one is --trial {} ({}).",
      directory.root().string(), plan.size(), plan.front().id, plan.front().to_string()));
}

// Throws: heed::Error if the trial has no weights, or its task cannot be sampled.
Trained load(const RunDirectory& directory, const PlanLine& line, Registry& registry) try {
  Trained t{trial_with_weights(directory, line, registry), nullptr, nullptr, nullptr};
  t.task = task_of(t.trial, registry);
  t.tokenizer = dynamic_cast<const TokenizerTraits*>(&own_task(*t.task));
  if (!t.has_source() && (!t.tokenizer || t.trial.type != ModelType::decoder))
    throw Error(fmt::format(
        "the task '{}' cannot be sampled. `heed sample` continues texts (text) and decodes targets "
        "(pairs, translation). `heed eval` evaluates this trial.",
        t.trial.task.name));
  if (annealing(own_task(*t.task)))
    throw Error(
        "it was trained to read its sequences in any order (task.order), and `heed sample` continues texts "
        "from "
        "left to right. Train it with `order: none`.");
  t.model = saved_model(t.trial, *t.task, results::read_trial_arrays(directory.trial(line.id), "weights"),
                        registry);
  return t;
} catch (const PluginError&) {
  throw;
} catch (const Error& e) {
  throw Error(fmt::format("trial {} cannot be sampled: {}", line.id, e.what()));
}

// Reads tokens that have no text: "3 14 15".
std::vector<Token> read_numbers(const std::string& text, Index vocabulary) {
  std::vector<Token> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const bool is_number = word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number || std::stoi(word) >= vocabulary)
      throw Error(fmt::format("'{}' is no token of the task. Its tokens are numbers from 0 to {}.", word,
                              vocabulary - 1));
    out.push_back(std::stoi(word));
    at = end;
  }
  return out;
}

std::vector<Token> encode(const Trained& t, const std::string& prompt) try {
  return t.tokenizer ? t.tokenizer->encode(prompt) : read_numbers(prompt, t.own_shape().source.width);
} catch (const Error& e) {
  throw UsageError(fmt::format("--prompt: {}", e.what()));
}

std::string decode(const Trained& t, std::span<const Token> tokens) {
  std::string out;
  for (const Token token : tokens)
    out += t.tokenizer ? t.tokenizer->decode(token) : fmt::format("{}{}", out.empty() ? "" : " ", token);
  return out;
}

// ---- texts

SampleOptions read_options(const Input& input, Index vocabulary) {
  SampleOptions out;
  if (input.has("temperature")) out.temperature = input.get<double>("temperature");
  if (!std::isfinite(out.temperature) || out.temperature < 0)
    throw UsageError(fmt::format("--temperature is {} but must be at least 0.", out.temperature));
  out.top_k = input.has("top-k") ? integer_option(input, "top-k", 1) : 0;
  if (out.top_k > vocabulary)
    throw UsageError(
        fmt::format("--top-k is {} but must be at most {}, the number of tokens.", out.top_k, vocabulary));
  if (input.has("seed")) out.seed = input.get<std::uint64_t>("seed");
  for (const char* name : {"top-k", "seed"})
    if (out.temperature == 0 && input.has(name))
      throw UsageError(fmt::format(
          "--{} has no effect with --temperature 0, which takes the top-1 prediction of each token.", name));
  return out;
}

// Returns how many tokens are generated. Parameters may end at the length of the training.
Index read_length(const Input& input, const Trained& t, Index prompt, const Registry& registry) {
  const Index wanted = integer_option(input, "length", kLength), trained = t.own_shape().input.length;
  if (reads_length(t.trial, *t.task, prompt + wanted - 1, registry)) return wanted;
  const std::string why = fmt::format(
      "the prompt has {} tokens, and the model has parameters for {} positions (model.positions: {}). "
      "Sweeps with none, sinusoidal, rope or alibi train models without this limit.",
      prompt, trained, t.trial.positions.name);
  const Index most = trained + 1 - prompt;  // nothing reads the last token
  if (most < 1) throw UsageError(fmt::format("--prompt is too long: {}", why));
  if (input.has("length"))
    throw UsageError(fmt::format("--length is {} but must be at most {}: {}", wanted, most, why));
  return most;
}

// Returns the tokens that the text begins with. Without a prompt it begins a line; a vocabulary of characters
// may have no newline.
std::vector<Token> read_prompt(const Input& input, const Trained& t) {
  if (input.has("prompt")) return encode(t, input.get<std::string>("prompt"));
  try {
    return t.tokenizer->encode("\n");
  } catch (const Error&) {
    return {0};
  }
}

void continue_text(const Input& input, const Trained& t, const Registry& registry) {
  const SampleOptions options = read_options(input, t.own_shape().classes);
  const std::vector<Token> prompt = read_prompt(input, t);
  const Index length = read_length(input, t, std::ssize(prompt), registry);
  const Index positions = std::ssize(prompt) + length - 1;
  const std::unique_ptr<SizedModel> longer =
      model_for_length(t.trial, *t.task, positions, t.model->params, registry);
  Continuation continuation(longer ? longer->model : t.model->model, prompt, positions, options);
  Output output(input);
  if (input.has("prompt")) output.write(input.get<std::string>("prompt"));
  for (Index i = 0; i < length; ++i) output.write(t.tokenizer->decode(continuation.next()));
  output.finish();
}

// ---- targets

void decode_prompt(const Input& input, const Trained& t) {
  const std::vector<Token> source = encode(t, input.get<std::string>("prompt"));
  if (const Index most = t.own_shape().source.length; std::ssize(source) > most)
    throw UsageError(fmt::format(
        "--prompt is too long: it has {} tokens, and a source of the task at most {}.", source.size(), most));
  Step<float> step(1, false);
  Output output(input);
  output.write(decode(t, decode_source(t.model->model, step, *t.task, source)));
  output.finish();
}

void decode_examples(const Input& input, const Trained& t) {
  const Split split = t.task->size(Split::test) == Index{0} ? Split::validation : Split::test;
  const Index count = std::min(kExamples, t.task->size(split).value_or(kExamples));
  Step<float> step(1, false);
  Output output(input);
  for (Index i = 0; i < count; ++i) {
    const Prediction p = without_end(decode_greedily(t.model->model, step, *t.task, split, i, 1).front());
    output.write(fmt::format("{}source   {}\ndecoded  {}\ntarget   {}{}\n", i == 0 ? "" : "\n",
                             decode(t, p.source), decode(t, p.decoded), decode(t, p.target),
                             p.decoded == p.target ? "  (equal)" : ""));
  }
  output.finish();
}

void decode_targets(const Input& input, const Trained& t) {
  for (const char* name : {"length", "temperature", "top-k", "seed"})
    if (input.has(name))
      throw UsageError(fmt::format(
          "--{} has no effect on the task '{}': heed decodes its targets greedily, until they end.", name,
          t.trial.task.name));
  if (input.has("prompt"))
    decode_prompt(input, t);
  else
    decode_examples(input, t);
}

int run(const Input& input, Registry& registry) {
  const RunDirectory directory(input.get<std::string>("directory"));
  const Trained t = load(directory, chosen(directory, input), registry);
  if (t.has_source())
    decode_targets(input, t);
  else
    continue_text(input, t, registry);
  return kDone;
}

}  // namespace

Command sample_command() {
  Command c;
  c.name = "sample";
  c.synopsis =
      "DIR --trial ID [--prompt TEXT] [--length N] [--temperature T] [--top-k K] [--seed S] [-o FILE]";
  c.summary = "generate text with the saved weights of a trial";
  c.details =
      "A model of the task `text` continues the prompt, token by token. A model of `pairs` or `translation` "
      "decodes\n"
      "the target of a source greedily: of the prompt, or of the first examples of the test split. The trial "
      "must\n"
      "have saved its weights (save: [weights] in the sweep file). The same seed gives the same text. Ctrl-C "
      "stops.\n"
      "\n"
      "    heed sample runs/text --trial 0123456789abcdef --prompt 'The program' --temperature 0.8";
  c.options.add_options()  //
      ("trial", po::value<std::string>()->value_name("ID"),
       "the trial, as in plan.tsv; not needed if the run has only one")  //
      ("prompt", po::value<std::string>()->value_name("TEXT"),
       "the beginning of the text, or a source; tokens without text are numbers, as '3 14 15'")  //
      ("length", po::value<int>()->value_name("N"),
       "tokens to generate (256, or as many as the model has learned positions for)")  //
      ("temperature", po::value<double>()->value_name("T"),
       "divides the logits (1); 0 takes the top-1 prediction")  //
      ("top-k", po::value<int>()->value_name("K"),
       "draw only among the K tokens with the largest logits (all)")                  //
      ("seed", po::value<std::uint64_t>()->value_name("S"), "seed of the draws (0)")  //
      ("output,o", po::value<std::string>()->value_name("FILE"),
       "also write the text to this file when it is complete");
  c.arguments = {"directory"};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
