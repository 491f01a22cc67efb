#include "experiments/tasks/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/tasks/content_hash.h"

namespace heed {
namespace {

constexpr Index kPatch = 4, kPool = 2, kLevels = 16;

Patches cells_of(const ImageSize& size, Index side) {
  return {.height = size.height, .width = size.width, .patch_height = side, .patch_width = side};
}

// Returns the index of each pixel of an image, cell by cell.
std::vector<Index> pixels_in_order(const Patches& cells) {
  std::vector<double> pixels(static_cast<std::size_t>(cells.height * cells.width)), cut(pixels.size());
  std::iota(pixels.begin(), pixels.end(), 0.0);
  cells.cut(pixels, cut);
  return {cut.begin(), cut.end()};
}

std::string hash_of(const std::string& path) {
  try {
    return content_hash(find_images(path).all());
  } catch (const Error&) {
    return "";  // check() says what is wrong
  }
}

// Throws: heed::Error if the images of the two files have different sizes.
void check_same_size(const ImageFiles& files, const ImageSize& train, const ImageSize& test) {
  if (train.height != test.height || train.width != test.width)
    throw Error(fmt::format("'{}' has images of {} x {}, but '{}' has images of {} x {}.",
                            files.train_images.string(), train.height, train.width,
                            files.test_images.string(), test.height, test.width));
}

}  // namespace

void Images::Options::complete() {
  if (content.empty()) content = hash_of(path);
  if (form == "patches" && patch == 0) patch = kPatch;
  if (form != "patches" && pool == 0) pool = kPool;
  if (form == "tokens" && levels == 0) levels = kLevels;
  if (generates() && order == "none") order = "raster";
  OrderOptions::complete();
}

void Images::Options::check_form(const Refuse& refuse) const {
  const auto refuse_without_effect = [&](const char* option, Index value, bool has, const char* forms) {
    if (value != 0 && !has) refuse(option, fmt::format("only {}; the form is {}. Remove it", forms, form));
  };
  refuse_without_effect("patch", patch, form == "patches", "'form: patches' has one");
  refuse_without_effect("pool", pool, form != "patches", "'form: pixels' and 'form: tokens' have one");
  refuse_without_effect("levels", levels, form == "tokens", "'form: tokens' has one");
  refuse_without_effect("noise_patches", noise_patches, form == "patches", "'form: patches' has them");
  refuse_without_effect("distractor_patches", distractor_patches, form == "patches",
                        "'form: patches' has them");
  if (levels == 1) refuse("levels", "1 gray level says nothing; use at least 2");
}

void Images::Options::check_objective(const Refuse& refuse) const {
  if (generates() && form != "tokens")
    refuse("objective", fmt::format("only tokens are generated; the form is {}. Use form: tokens", form));
  if (!generates() && order != "none")
    return refuse("order",
                  "it has no effect, because images are classified; remove it, or use objective: generate");
  OrderOptions::check(refuse);
}

// Reads no more than the headers: the rest is read when the task is built.
void Images::Options::check(const Refuse& refuse) const {
  check_form(refuse);
  check_objective(refuse);
  try {
    const ImageFiles files = find_images(path);
    if (const std::string found = content_hash(files.all()); !found.empty() && found != content)
      refuse("content",
             fmt::format("the content of '{}' has changed: its hash is {}, not {}", path, found, content));
    const ImageSize train = image_size(files.train_images);
    check_same_size(files, train, image_size(files.test_images));
    if (validation >= train.count)
      refuse("validation", fmt::format("{} leaves no image for training; the training file has {}",
                                       validation, train.count));
    const Index side = std::max<Index>(cell(), 1);  // complete() has replaced 0
    if (train.height % side != 0 || train.width % side != 0)
      refuse(
          form == "patches" ? "patch" : "pool",
          fmt::format("{} must divide both sides of an image ({} x {})", cell(), train.height, train.width));
  } catch (const Error& error) {
    refuse("path", error.what());
  }
}

Images::Images(const Options& options, std::uint64_t seed)
    : draws_(seed, "images train"), places_(seed, "images places"), added_(seed, "images added") {
  const ImageFiles files = find_images(options.path);
  train_ = read_images(files.train_images, files.train_labels);
  test_ = read_images(files.test_images, files.test_labels);
  check_same_size(files, train_.size, test_.size);
  training_ = train_.size.count - options.validation;
  if (training_ < 1)
    throw Error(fmt::format("'{}' leaves no image for training.", files.train_images.string()));
  const Patches cells = cells_of(train_.size, options.cell());
  cells.check();
  order_ = pixels_in_order(cells);
  summed_ = options.form == "patches" ? 1 : cells.size();
  levels_ = options.levels;
  patches_ = {cells.count(), options.noise_patches, options.distractor_patches};
  columns_ = patches_.added() > 0 ? 0 : train_.size.width / options.cell();
  if (patches_.distractor > 0) check_classes();
  shape_ = {.input = {Stream::Kind::vectors, cells.size() / summed_, patches_.all()},
            .classes = 1 + std::max(*std::ranges::max_element(train_.labels),
                                    *std::ranges::max_element(test_.labels)),
            .model = ModelType::encoder,
            .labels = Labels::per_sequence};
  if (levels_ > 0)
    shape_.input = {Stream::Kind::tokens, levels_, cells.count()};
  else
    standardize();
  if (!options.generates()) return;
  annealing_ = options.annealing();
  const Index conditions = shape_.classes;
  shape_ = token_shape(levels_, cells.count());
  shape_.input.width += conditions;
}

Index Images::number(const std::uint8_t* image, std::size_t i) const {
  const auto n = static_cast<std::size_t>(summed_);
  Index sum = 0;
  for (std::size_t k = i * n; k < (i + 1) * n; ++k) sum += image[order_[k]];
  return sum;
}

void Images::tokens_of(const std::uint8_t* image, std::span<Token> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<Token>(number(image, i) * levels_ / (256 * summed_));
}

// Sums of integers, so that the order does not matter. A number x of an image is x / (255 summed_).
void Images::standardize() {
  const std::size_t numbers = order_.size() / static_cast<std::size_t>(summed_);
  std::uint64_t sum = 0, squares = 0;
  for (Index row = 0; row < training_; ++row)
    for (std::size_t i = 0; i < numbers; ++i) {
      const auto x = static_cast<std::uint64_t>(number(train_.pixels.data() + row * train_.size.pixels(), i));
      sum += x, squares += x * x;
    }
  scale_ = 1 / (255.0 * static_cast<double>(summed_));
  const double n = static_cast<double>(numbers) * static_cast<double>(training_);
  mean_ = static_cast<double>(sum) * scale_ / n;
  stddev_ = std::sqrt(std::max(0.0, static_cast<double>(squares) * scale_ * scale_ / n - mean_ * mean_));
  if (stddev_ < 1e-6) throw Error("the training images have the same gray everywhere.");
}

std::optional<Index> Images::size(Split split) const {
  if (split == Split::train) return std::nullopt;
  return part(split).count;
}

std::optional<Index> Images::scored_pixels(Split split) const {
  if (!annealing_ || split == Split::train) return std::nullopt;
  return *size(split) * shape_.input.length;
}

Images::Part Images::part(Split split) const {
  if (split == Split::test) return {test_, 0, test_.size.count};
  if (split == Split::train) return {train_, 0, training_};
  return {train_, training_, train_.size.count - training_};
}

// A distractor is an image of another class in the same split.
void Images::check_classes() const {
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const Part from = part(split);
    const auto labels =
        std::span(from.file.labels)
            .subspan(static_cast<std::size_t>(from.first), static_cast<std::size_t>(from.count));
    if (std::ranges::adjacent_find(labels, std::not_equal_to()) == labels.end())
      throw Error(
          fmt::format("task.distractor_patches: all {} images of a split have the same label, so that "
                      "none is of another class. Use 0, or a split with several classes.",
                      from.count));
  }
}

Index Images::row_of(Split split, std::uint64_t index) const {
  const Part from = part(split);
  if (split == Split::train) return draws_.at(index).below(from.count);
  HEED_CHECK(static_cast<Index>(index) < from.count, "an image after the end of its split was requested");
  return from.first + static_cast<Index>(index);
}

void Images::vectors_of(const std::uint8_t* image, std::size_t first, std::span<double> vectors) const {
  for (std::size_t i = 0; i < vectors.size(); ++i)
    vectors[i] = (static_cast<double>(number(image, first + i)) * scale_ - mean_) / stddev_;
}

// Any image of another class and any of its patches are equally likely.
void Images::write_distractor(const Part& from, Token label, Draws& draws, std::span<double> patch) const {
  Index row;
  do row = from.first + draws.below(from.count);
  while (from.label(row) == label);
  const auto cell = static_cast<std::size_t>(draws.below(patches_.image));
  vectors_of(from.image(row), cell * patch.size(), patch);
}

void Images::mix(Split split, std::uint64_t index, std::span<double> vectors) const {
  const Part from = part(split);
  const Index row = row_of(split, index);
  const auto width = static_cast<std::size_t>(shape_.input.width);
  PatchOrder order(patches_, places_.at(split, index));
  Draws added = added_.at(split, index);
  std::size_t number = 0;  // of the image: the first of its next patch
  for (std::size_t at = 0; at < vectors.size(); at += width) {
    const std::span<double> patch = vectors.subspan(at, width);
    const PatchKind kind = order.next();
    if (kind == PatchKind::distractor) write_distractor(from, from.label(row), added, patch);
    if (kind == PatchKind::noise) std::ranges::generate(patch, [&] { return added.normal(); });
    if (kind != PatchKind::image) continue;
    vectors_of(from.image(row), number, patch);
    number += width;
  }
}

void Images::label_relevance(Split split, std::uint64_t index, std::span<Relevance> keys) const {
  if (!marks_relevance()) {
    std::ranges::fill(keys, Relevance::none);
    return;
  }
  const std::uint8_t* image = part(split).image(row_of(split, index));
  const auto width = static_cast<std::size_t>(shape_.input.width);
  PatchOrder order(patches_, places_.at(split, index));
  auto pixel = order_.begin();  // the first of the image's next patch
  for (Relevance& key : keys) {
    key = Relevance::distractor;
    if (order.next() != PatchKind::image) continue;
    const auto end = pixel + static_cast<std::ptrdiff_t>(width);
    key =
        std::any_of(pixel, end, [&](Index p) { return image[p] != 0; }) ? Relevance::answer : Relevance::none;
    pixel = end;
  }
}

void Images::fill(Split split, std::uint64_t index, Example& example) const {
  const Part from = part(split);
  const Index row = row_of(split, index);
  const std::uint8_t* image = from.image(row);
  if (annealing_) {
    tokens_of(image, example.labels);
    example.input.tokens[0] = static_cast<Token>(levels_) + from.label(row);
    std::ranges::copy(example.labels.first(example.labels.size() - 1), example.input.tokens.begin() + 1);
    return;
  }
  example.labels[0] = from.label(row);
  if (levels_ > 0) return tokens_of(image, example.input.tokens);
  if (patches_.added() > 0) return mix(split, index, example.input.vectors);
  vectors_of(image, 0, example.input.vectors);
}

}  // namespace heed

HEED_TASK(images, heed::Images, "Gray images with a label each, from files of MNIST's format", "")
