#include "experiments/train/save_samples.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/task_traits.h"
#include "experiments/train/predictions.h"
#include "experiments/train/sample.h"
#include "experiments/train/sample_images.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

constexpr std::size_t kImages = 4;  // of each class
constexpr std::uint64_t kTexts = 2;
constexpr Index kLength = 128;  // most tokens of a text
constexpr Index kTargets = 3;

void add(results::Record& record, const char* name, std::vector<std::size_t> shape,
         std::vector<std::string> dims, std::vector<std::int64_t> values, const char* doc) {
  record.arrays.push_back({"samples", name, std::move(shape), std::move(dims), std::move(values), "1", doc});
}

void save_images(results::Record& record, Model<float>& model, const GeneratedImages& images) {
  const auto classes = static_cast<std::size_t>(images.classes),
             size = static_cast<std::size_t>(images.size());
  std::vector<std::int64_t> grays(classes * kImages * size);
  for (std::size_t n = 0; n < kImages; ++n) {
    const std::vector<std::uint8_t> one = sample_images(model, images, n, {});
    for (std::size_t i = 0; i < one.size(); ++i) grays[(i / size * kImages + n) * size + i % size] = one[i];
  }
  add(record, "images",
      {classes, kImages, static_cast<std::size_t>(images.rows), static_cast<std::size_t>(images.columns)},
      {"image_class", "sample", "row", "column"}, std::move(grays),
      "generated images: grays from 0 (black) to 255 (white)");
}

// Returns texts of seeds 0, 1, ..., as long as the trained model reads.
std::vector<std::string> generated_texts(Model<float>& model, const Task& task) {
  const std::vector<Token> beginning = text_beginning(task);
  const Index read = std::ssize(beginning), length = std::min(kLength, task.shape().input.length + 1 - read);
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(own_task(task));
  std::vector<std::string> out;
  for (std::uint64_t seed = 0; seed < kTexts && length > 0; ++seed) {
    Continuation continuation(model, {beginning}, read + length - 1, {.seed = seed});
    std::string text;
    for (Index i = 0; i < length; ++i) text += tokenizer.decode(continuation.next().front());
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> decoded_targets(Model<float>& model, const Task& task) {
  const Split split = task.size(Split::test) == Index{0} ? Split::validation : Split::test;
  Step<float> step(1, false);
  std::vector<std::string> out;
  for (Index i = 0; i < std::min(kTargets, task.size(split).value_or(kTargets)); ++i)
    out.push_back(
        comparison_text(task, without_end(decode_greedily(model, step, task, split, i, 1).front())));
  return out;
}

void save_texts(results::Record& record, const std::vector<std::string>& texts, const char* doc) {
  std::size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  std::vector<std::int64_t> bytes;
  for (const std::string& text : texts) {
    for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
    bytes.insert(bytes.end(), longest - text.size(), -1);
  }
  if (!texts.empty()) add(record, "text", {texts.size(), longest}, {"sample", "byte"}, std::move(bytes), doc);
}

}  // namespace

void save_samples(results::Record& record, Model<float>& model, const Task& task) {
  switch (what_is_sampled(task)) {
    case Sampled::images:
      return save_images(record, model, *generated_images(task));
    case Sampled::text:
      return save_texts(record, generated_texts(model, task), "generated texts; -1 behind their ends");
    case Sampled::targets:
      return save_texts(record, decoded_targets(model, task),
                        "sources, greedily decoded targets and the right ones; -1 behind their ends");
    case Sampled::nothing:
      return;
  }
}

}  // namespace heed
