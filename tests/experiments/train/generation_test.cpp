// What trained models generate in raster order: images by class, and texts.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "core/task_traits.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/train/sample_images.h"
#include "experiments/train/trial.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;
using heed::test::builtin;

constexpr std::size_t kClasses = 3, kHeight = 4, kWidth = 6;  // 2 x 3 positions of 2 x 2 pixels
constexpr Index kLevels = 4;

// The level at a position of every image of a class.
Token level_of(std::size_t image_class, std::size_t position) {
  return static_cast<Token>((image_class * 2 + position * position + 1) % kLevels);
}

// Images that their class determines, and a text of one repeated line.
struct Folder : test::TempFolder {
  Folder() {
    const auto write = [&](const std::string& name, std::size_t count) {
      std::string pixels, labels;
      for (std::size_t i = 0; i < count; ++i) {
        labels += static_cast<char>(i % kClasses);
        for (std::size_t y = 0; y < kHeight; ++y)
          for (std::size_t x = 0; x < kWidth; ++x)
            pixels += static_cast<char>(gray_of(level_of(i % kClasses, y / 2 * 3 + x / 2), kLevels));
      }
      test::write_bytes(*this / (name + "-images-idx3-ubyte"),
                        test::idx_bytes({count, kHeight, kWidth}, pixels));
      test::write_bytes(*this / (name + "-labels-idx1-ubyte"), test::idx_bytes({count}, labels));
    };
    write("train", 12);
    write("t10k", 6);
    std::string text;
    for (int i = 0; i < 200; ++i) text += "abcdefg\n";
    test::write_bytes(*this / "t.txt", text);
  }
};

TrialConfig trial_of(const Folder& folder, const std::string& task, const std::string& more = "") {
  Registry registry = builtin();
  Problems problems;
  const std::string images = "name: images, validation: 3, form: tokens, levels: 4, path: ",
                    text = "name: text, unit: characters, length: 12, path: ";
  const std::string options = task.starts_with("text") ? text + (folder / "t.txt").string() + task.substr(4)
                                                       : images + folder.path().string() + task.substr(6);
  const auto file = parse_sweep_file(
      "variants: [softmax]\ntask: {" + options + "}\nmodel: {dim: 16, heads: 2, layers: 1}\n" + more,
      "f.yaml", {}, registry, problems);
  problems.throw_if_any();
  const Sweep sweep = read_sweep(file->tree, "f", registry, problems);
  problems.throw_if_any();
  return sweep.trials.at(0).config;
}

const std::string kTraining =
    "train: {steps: 250, batch: 8, lr: 0.01, warmup: 10, evaluate_sequences: 3, test_sequences: 3}\n";

// Greedily generates what follows a sequence's first tokens.
std::vector<Token> continued(Model<float>& model, std::vector<Token> tokens, Index length) {
  Continuation continuation(model, {tokens}, length, {.temperature = 0});
  while (std::ssize(tokens) <= length) tokens.push_back(continuation.next().front());
  return tokens;
}

template <class T>
const std::vector<T>& values_of(const results::Record& record, const std::string& name) {
  const auto at = std::ranges::find_if(
      record.arrays, [&](const results::Array& a) { return a.group == "samples" && a.name == name; });
  REQUIRE(at != record.arrays.end());
  return std::get<std::vector<T>>(at->values);
}

}  // namespace

TEST_CASE("generation: a gray belongs to its level, from black to white") {
  for (Index levels = 2; levels <= 256; ++levels)
    for (Token level = 0; level < levels; ++level)
      if (gray_of(level, levels) * levels / 256 != level) FAIL("level " << level << " of " << levels);
  CHECK(gray_of(0, 16) == 0);
  CHECK(gray_of(15, 16) == 255);
  CHECK(gray_of(1, 4) == 85);
}

TEST_CASE("generation: models of any order predict their tokens as one pass in raster order does") {
  const Folder folder;
  const Registry registry = builtin();
  const std::string order = GENERATE(", order: raster", ", order: random");
  const std::string positions = GENERATE("learned", "sinusoidal", "none");
  const std::string task_name = GENERATE("images, objective: generate", "text");
  CAPTURE(order, positions, task_name);
  TrialConfig trial = trial_of(folder, task_name + order);
  trial.positions = {positions};
  if (positions != "none") trial.positions.options = test::defaults(registry.position(positions));
  const auto task = task_of(trial, registry);
  const Index length = task->shape().input.length;
  SizedModel sized(model_spec(trial, *task), registry, 1);
  for (float& value : sized.params.values()) value *= 4;  // larger differences between logits
  const auto condition = static_cast<Token>(task->shape().classes);
  const std::vector<Token> tokens = continued(sized.model, {condition}, length);
  const std::span<const Token> read = std::span(tokens).first(static_cast<std::size_t>(length));
  Step<float> step(1, false);
  std::vector<Token> predicted(read.size());
  sized.model.evaluate(step, token_batch(read, read, 1, length), predicted);
  CHECK(std::ranges::equal(predicted, std::span(tokens).subspan(1)));
  CHECK(*std::ranges::max_element(predicted) < condition);
}

TEST_CASE("generation: a model that has learned images draws them by class, in any order of training") {
  const Folder folder;
  const Registry registry = builtin();
  const TrialConfig trial = trial_of(
      folder, "images, objective: generate, order: " + GENERATE(as<std::string>(), "raster", "random"),
      kTraining + "save: [weights]\n");
  const auto task = task_of(trial, registry);
  CHECK(what_is_sampled(*task) == Sampled::images);
  const Trained trained = train(trial, registry, *task, 1, {});
  const GeneratedImages images = generated_images(*task).value();
  CHECK(images.classes == 3);
  CHECK(images.rows == 2);
  CHECK(images.columns == 3);
  std::vector<std::uint8_t> expected;
  for (std::size_t c = 0; c < kClasses; ++c)
    for (std::size_t i = 0; i < 6; ++i) expected.push_back(gray_of(level_of(c, i), kLevels));
  CHECK(sample_images(trained.last->model, images, 0, {.temperature = 0}) == expected);
}

TEST_CASE("generation: images of other numbers and seeds have other draws, the same ones the same") {
  const Folder folder;
  const Registry registry = builtin();
  const TrialConfig trial = trial_of(folder, "images, objective: generate");
  const auto task = task_of(trial, registry);
  SizedModel sized(model_spec(trial, *task), registry, 1);
  const GeneratedImages images = generated_images(*task).value();
  const auto drawn = [&](std::uint64_t number, std::uint64_t seed) {
    return sample_images(sized.model, images, number, {.seed = seed});
  };
  CHECK(drawn(0, 0) == drawn(0, 0));
  CHECK(drawn(0, 0) != drawn(1, 0));
  CHECK(drawn(0, 0) != drawn(0, 1));
  const auto image = [&](std::size_t c) {
    const auto all = drawn(0, 0);
    return std::vector(all.begin() + static_cast<std::ptrdiff_t>(6 * c),
                       all.begin() + static_cast<std::ptrdiff_t>(6 * (c + 1)));
  };
  CHECK(image(0) != image(1));
}

TEST_CASE("generation: a model that has learned a text in an order continues it from left to right") {
  const Folder folder;
  const Registry registry = builtin();
  const TrialConfig trial = trial_of(
      folder, "text, order: " + GENERATE(as<std::string>(), "raster", "annealed, anneal: [0.2, 0.4]"),
      kTraining);
  const auto task = task_of(trial, registry);
  CHECK(what_is_sampled(*task) == Sampled::text);
  const Trained trained = train(trial, registry, *task, 1, {});
  std::vector<Token> tokens = text_beginning(*task);
  REQUIRE(tokens == std::vector<Token>{static_cast<Token>(task->shape().classes)});
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(*task);
  for (const Token t : tokenizer.encode("cde")) tokens.push_back(t);
  std::string text;
  for (const Token t : continued(trained.last->model, tokens, 12))
    if (t < task->shape().classes) text += tokenizer.decode(t);
  CHECK(text == "cdefg\nabcdef");
}

TEST_CASE("generation: a trial that saves its weights keeps a few examples, as heed sample generates them") {
  const Folder folder;
  const Registry registry = builtin();
  const std::string short_training = "train: {steps: 3, batch: 4, evaluate_sequences: 3}\n";
  const TrialConfig trial =
      trial_of(folder, "images, objective: generate", short_training + "save: [weights]\n");
  const auto record = run_trial(trial, registry, 1, {});
  REQUIRE(record);
  const auto& grays = values_of<std::int64_t>(*record, "images");
  REQUIRE(grays.size() == 3 * 4 * 6);
  const auto task = task_of(trial, registry);
  const Trained trained = train(trial, registry, *task, 1, {});
  for (std::size_t n = 0; n < 4; ++n) {
    const auto images = sample_images(trained.last->model, *generated_images(*task), n, {});
    for (std::size_t i = 0; i < images.size(); ++i) CHECK(grays[(i / 6 * 4 + n) * 6 + i % 6] == images[i]);
  }

  const TrialConfig text = trial_of(folder, "text", short_training + "save: [weights]\n");
  const auto texts = run_trial(text, registry, 1, {});
  REQUIRE(texts);
  CHECK(values_of<std::int64_t>(*texts, "text").size() == 2 * 12);
  for (const std::int64_t byte : values_of<std::int64_t>(*texts, "text"))
    CHECK(std::string("abcdefg\n").find(static_cast<char>(byte)) != std::string::npos);

  const auto has_samples = [](const std::optional<results::Record>& r) {
    return std::ranges::any_of(r->arrays, [](const auto& a) { return a.group == "samples"; });
  };
  CHECK_FALSE(has_samples(run_trial(trial_of(folder, "text", short_training), registry, 1, {})));
  CHECK_FALSE(has_samples(
      run_trial(trial_of(folder, "images, objective: classify", short_training + "save: [weights]\n"),
                registry, 1, {})));
}
