#include "experiments/cli/sample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/ops/product_precision.h"
#include "core/plugin_host.h"
#include "experiments/cli/sample_parts.h"
#include "experiments/cli/trial_input.h"
#include "experiments/run/run_directory.h"
#include "experiments/train/saved_model.h"
#include "results/trial_file.h"

namespace heed::cli {
namespace {

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
SampledTrial load(const RunDirectory& directory, const PlanLine& line, Registry& registry) try {
  SampledTrial t{line.id, trial_with_weights(directory, line, registry)};
  t.task = task_of(t.trial, registry);
  t.tokenizer = dynamic_cast<const TokenizerTraits*>(&own_task(*t.task));
  if (what_is_sampled(*t.task) == Sampled::nothing)
    throw Error(fmt::format(
        "the task '{}' cannot be sampled. `heed sample` continues texts (text), draws images (images with "
        "objective: generate) and decodes targets (pairs, translation). `heed eval` evaluates this trial.",
        t.trial.task.name));
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

int run(const Input& input, Registry& registry) {
  const RunDirectory directory(input.get<std::string>("directory"));
  registry.set_task_cache(directory.subwords());
  const SampledTrial t = load(directory, chosen(directory, input), registry);
  const ProductPrecision precision(t.trial.train.products());
  switch (what_is_sampled(*t.task)) {
    case Sampled::images:
      draw_images(input, t);
      break;
    case Sampled::targets:
      decode_targets(input, t);
      break;
    default:
      continue_text(input, t, registry);
  }
  return kDone;
}

}  // namespace

SampleOptions read_sample_options(const Input& input, Index tokens) {
  SampleOptions out;
  if (input.has("temperature")) out.temperature = input.get<double>("temperature");
  if (!std::isfinite(out.temperature) || out.temperature < 0)
    throw UsageError(fmt::format("--temperature is {} but must be finite and at least 0.", out.temperature));
  out.top_k = input.has("top-k") ? integer_option(input, "top-k", 1) : 0;
  if (out.top_k > tokens)
    throw UsageError(
        fmt::format("--top-k is {} but must be at most {}, the number of tokens.", out.top_k, tokens));
  if (input.has("seed")) out.seed = static_cast<std::uint64_t>(seed_option(input));
  for (const char* name : {"top-k", "seed"})
    if (out.temperature == 0 && input.has(name))
      throw UsageError(fmt::format(
          "--{} has no effect with --temperature 0, which takes the top-1 prediction of each token.", name));
  return out;
}

std::vector<Token> encode_prompt(const Input& input, const SampledTrial& t) try {
  const auto prompt = input.get<std::string>("prompt");
  return t.tokenizer ? t.tokenizer->encode(prompt) : read_numbers(prompt, t.own_shape().source.width);
} catch (const Error& e) {
  throw UsageError(fmt::format("--prompt: {}", e.what()));
}

void refuse_without_effect(const Input& input, const SampledTrial& t,
                           std::initializer_list<const char*> options, const std::string& why) {
  for (const std::string name : options)
    if (input.has(name))
      throw UsageError(fmt::format("{} has no effect on the task '{}': {}.",
                                   name == "count" ? "-n" : "--" + name, t.trial.task.name, why));
}

Command sample_command() {
  Command c;
  c.name = "sample";
  c.synopsis =
      "DIR --trial ID [--prompt TEXT] [--length N] [-n N] [--temperature T] [--top-k K] [--seed S] [-o FILE]";
  c.summary = "generate text or images with the saved weights of a trial";
  c.details =
      "A model of the task `text` continues the prompt, token by token. A model of `images` (objective: "
      "generate) draws\n"
      "images of each class into a PNG file, a row for each class. A model of `pairs` or `translation` "
      "decodes the target\n"
      "of a source greedily: of the prompt, or of the first examples of the test split. The trial must have "
      "saved its\n"
      "weights (save: [weights] in the sweep file). The same seed gives the same text and images. Ctrl-C "
      "stops.\n"
      "\n"
      "    heed sample runs/text --trial 0123456789abcdef --prompt 'The program' --temperature 0.8\n"
      "    heed sample runs/rar_images --trial 0123456789abcdef -n 10 -o images.png";
  c.options.add_options()  //
      ("trial", po::value<std::string>()->value_name("ID"),
       "the trial, as in plan.tsv; not needed if the run has only one")  //
      ("prompt", po::value<std::string>()->value_name("TEXT"),
       "the beginning of the text, or a source; tokens without text are numbers, as '3 14 15'")  //
      ("length", po::value<int>()->value_name("N"),
       "tokens of text to generate (256, or as many as the model has learned positions for)")  //
      ("count,n", po::value<int>()->value_name("N"), "of images: how many of each class (8)")  //
      ("temperature", po::value<double>()->value_name("T"),
       "divides the logits (1); 0 takes the top-1 prediction")  //
      ("top-k", po::value<int>()->value_name("K"),
       "draw only among the K tokens with the largest logits (all)")                 //
      ("seed", po::value<std::int64_t>()->value_name("S"), "seed of the draws (0)")  //
      ("output,o", po::value<std::string>()->value_name("FILE"),
       "the PNG file (ID.png); also write the text to this file when it is complete");
  c.arguments = {"directory"};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
