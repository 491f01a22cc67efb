// The task `images`, on small files. Damaged files: idx_test.cpp.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/image_folder.h"
#include "tests/heap.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::size_t kValidation = ImageFolder::kValidation;
const SmallImages kSmall;

// An image as the model reads it.
struct Image {
  std::vector<double> vectors;
  std::vector<Token> tokens;
  Token label = -7;
  bool operator==(const Image&) const = default;
};

Image draw_image(const Task& task, Split split, std::uint64_t index) {
  const Stream stream = task.shape().input;
  Image out;
  if (stream.kind == Stream::Kind::vectors)
    out.vectors.assign(static_cast<std::size_t>(stream.width * stream.length), std::nan(""));
  else
    out.tokens.assign(static_cast<std::size_t>(stream.length), -7);
  Example example{{.tokens = out.tokens, .vectors = out.vectors, .length = stream.length}, {&out.label, 1}};
  task.fill(split, index, example);
  CHECK(example.input.length == stream.length);
  return out;
}

// Number i of the image in file order that example `index` of a finite split is.
std::size_t image_of(Split split, std::size_t index) {
  return index + (split == Split::test ? kSmall.train : kSmall.train - kValidation);
}

// The sum of the pixels of a square of an image.
double sum_of(std::size_t image, std::size_t top, std::size_t left, std::size_t side) {
  double sum = 0;
  for (std::size_t y = top; y < top + side; ++y)
    for (std::size_t x = left; x < left + side; ++x) sum += SmallImages::pixel(image, y, x);
  return sum;
}

// Standardizes numbers as those of the training images with squares of this side.
struct Standard {
  double mean = 0, stddev = 0;
  explicit Standard(std::size_t side) {
    std::vector<double> all;
    for (std::size_t i = 0; i < kSmall.train - kValidation; ++i)
      for (std::size_t y = 0; y < kSmall.height; y += side)
        for (std::size_t x = 0; x < kSmall.width; x += side) all.push_back(number(i, y, x, side));
    for (const double x : all) mean += x / static_cast<double>(all.size());
    for (const double x : all) stddev += (x - mean) * (x - mean) / static_cast<double>(all.size());
    stddev = std::sqrt(stddev);
  }
  static double number(std::size_t image, std::size_t y, std::size_t x, std::size_t side) {
    return sum_of(image, y, x, side) / (255.0 * static_cast<double>(side * side));
  }
  double operator()(std::size_t image, std::size_t y, std::size_t x, std::size_t side) const {
    return (number(image, y, x, side) - mean) / stddev;
  }
};

// Calls visit(task example, image number) for each example of validation and test.
template <class Visit>
void for_images(const Task& task, Visit&& visit) {
  for (const Split split : {Split::validation, Split::test})
    for (std::size_t i = 0; i < static_cast<std::size_t>(*task.size(split)); ++i)
      visit(draw_image(task, split, i), image_of(split, i));
}

}  // namespace

TEST_CASE("images: each form has its shape; an encoder is trained, or a decoder") {
  const ImageFolder folder;
  const auto shape = [&](const Given& given) { return folder.task(given)->shape(); };
  CHECK(shape({{"form", "patches"}, {"patch", "2"}}) == TaskShape{.input = {Stream::Kind::vectors, 4, 6},
                                                                  .classes = 3,
                                                                  .model = ModelType::encoder,
                                                                  .labels = Labels::per_sequence});
  CHECK(shape({{"form", "patches"}, {"patch", "1"}}).input == Stream{Stream::Kind::vectors, 1, 24});
  CHECK(shape({{"form", "pixels"}}).input == Stream{Stream::Kind::vectors, 1, 6});
  CHECK(shape({{"form", "pixels"}, {"pool", "1"}}).input == Stream{Stream::Kind::vectors, 1, 24});
  CHECK(shape({{"form", "tokens"}}).input == Stream{Stream::Kind::tokens, 16, 6});
  CHECK(shape({{"form", "tokens"}, {"levels", "256"}, {"pool", "1"}}).input ==
        Stream{Stream::Kind::tokens, 256, 24});
  const auto columns = [&](const Given& given) {
    return dynamic_cast<const GridTraits&>(*folder.task(given)).columns();
  };
  CHECK(columns({{"patch", "2"}}) == 3);
  CHECK(columns({{"form", "pixels"}, {"pool", "1"}}) == 6);
  const auto task = folder.task({{"form", "tokens"}});
  CHECK(suits(*task, ModelType::decoder));
  CHECK(suits(*task, ModelType::encoder));
  CHECK_FALSE(suits(*task, ModelType::encoder_decoder));
}

TEST_CASE("images: patches are in rows, and pixels of a patch too, standardized by the training images") {
  const ImageFolder folder;
  const Standard standard(1);
  for_images(*folder.task({{"patch", "2"}}), [&](const Image& found, std::size_t image) {
    std::size_t n = 0;
    for (std::size_t top = 0; top < kSmall.height; top += 2)
      for (std::size_t left = 0; left < kSmall.width; left += 2)
        for (const auto& [y, x] : {std::pair{0, 0}, {0, 1}, {1, 0}, {1, 1}})
          CHECK(found.vectors.at(n++) == Approx(standard(image, top + y, left + x, 1)).margin(1e-12));
    CHECK(n == found.vectors.size());
    CHECK(found.label == kSmall.label(image));
  });
}

TEST_CASE("images: pixels are means of squares, standardized by the means of the training images") {
  const ImageFolder folder;
  const Standard standard(2);
  for_images(*folder.task({{"form", "pixels"}}), [&](const Image& found, std::size_t image) {
    for (std::size_t i = 0; i < 6; ++i)
      CHECK(found.vectors.at(i) == Approx(standard(image, i / 3 * 2, i % 3 * 2, 2)).margin(1e-12));
  });
}

TEST_CASE("images: tokens are gray levels of equal width") {
  const ImageFolder folder;
  for_images(*folder.task({{"form", "tokens"}}), [&](const Image& found, std::size_t image) {
    for (std::size_t i = 0; i < 6; ++i)
      CHECK(found.tokens.at(i) == static_cast<Token>(sum_of(image, i / 3 * 2, i % 3 * 2, 2) / 64));
  });
  for_images(*folder.task({{"form", "tokens"}, {"pool", "1"}, {"levels", "256"}}),
             [&](const Image& found, std::size_t image) {
               for (std::size_t i = 0; i < 24; ++i)
                 CHECK(found.tokens.at(i) == SmallImages::pixel(image, i / 6, i % 6));
             });
  for_images(*folder.task({{"form", "tokens"}, {"pool", "1"}, {"levels", "3"}}),
             [&](const Image& found, std::size_t image) {
               for (std::size_t i = 0; i < 24; ++i)
                 CHECK(found.tokens.at(i) == SmallImages::pixel(image, i / 6, i % 6) * 3 / 256);
             });
}

TEST_CASE("images: validation is the last images of the training file, and training never draws them") {
  const ImageFolder folder;
  const auto task = folder.task({{"form", "tokens"}, {"pool", "1"}, {"levels", "256"}});
  CHECK_FALSE(task->size(Split::train));
  CHECK(task->size(Split::validation) == Index{kValidation});
  CHECK(task->size(Split::test) == Index{8});
  std::vector<int> drawn(kSmall.train);
  constexpr int kMany = 8000;
  for (int i = 0; i < kMany; ++i) {
    const Image image = draw_image(*task, Split::train, static_cast<std::uint64_t>(i));
    const auto number = static_cast<std::size_t>(image.tokens[0]);  // the first pixel is the image's number
    REQUIRE(number < kSmall.train - kValidation);
    REQUIRE(image.label == kSmall.label(number));
    ++drawn[number];
  }
  const double each = kMany / 8.0;
  for (std::size_t i = 0; i < kSmall.train - kValidation; ++i)
    CHECK(std::abs(drawn[i] - each) < 5 * std::sqrt(each));
}

TEST_CASE("images: data depend only on the seed, the split and the index") {
  const ImageFolder folder;
  const auto task = folder.task({{"patch", "2"}}, 7), again = folder.task({{"patch", "2"}}, 7),
             other = folder.task({{"patch", "2"}}, 8);
  bool differs = false;
  for (std::uint64_t i = 64; i-- > 0;) {
    CHECK(draw_image(*task, Split::train, i) == draw_image(*again, Split::train, i));
    differs |= draw_image(*task, Split::train, i) != draw_image(*other, Split::train, i);
    CHECK(draw_image(*task, Split::test, i % 8) == draw_image(*other, Split::test, i % 8));
  }
  CHECK(differs);
}

TEST_CASE("images: files may be compressed, each or none") {
  const ImageFolder plain, packed({}, true);
  const Given given = {{"form", "tokens"}};
  CHECK(golden_hash(*packed.task(given), 4) == golden_hash(*plain.task(given), 4));
  const ImageFolder mixed({}, true);
  std::filesystem::remove(mixed.path() / "t10k-labels-idx1-ubyte.gz");
  write_bytes(mixed.path() / "t10k-labels-idx1-ubyte", kSmall.labels(kSmall.train, kSmall.test));
  CHECK(golden_hash(*mixed.task(given), 4) == golden_hash(*plain.task(given), 4));
}

TEST_CASE("images: making an example allocates nothing") {
  const ImageFolder folder;
  for (const char* form : {"patches", "pixels", "tokens"}) {
    const auto task = folder.task({{"form", form}, {form[1] == 'a' ? "patch" : "pool", "2"}});
    std::vector<double> vectors(64);
    std::vector<Token> tokens(64);
    Token label;
    const Stream stream = task->shape().input;
    const auto n = static_cast<std::size_t>(stream.length);
    Example example{{.length = stream.length}, {&label, 1}};
    if (stream.kind == Stream::Kind::tokens)
      example.input.tokens = std::span(tokens).first(n);
    else
      example.input.vectors = std::span(vectors).first(n * static_cast<std::size_t>(stream.width));
    const std::size_t before = heap_allocations();
    for (const Split split : kSplits) task->fill(split, 1, example);
    const std::size_t made = heap_allocations() - before;
    CHECK(made == 0);
  }
}

TEST_CASE("images: an option that does not fit the images or the form is refused with its place") {
  const ImageFolder folder;
  CHECK(begin_with(folder.refused({{"patch", "4"}}),
                   Lines{"task.patch: 4 must divide both sides of an image (4 x 6)"}));
  CHECK(begin_with(folder.refused({{"form", "pixels"}, {"pool", "3"}}),
                   Lines{"task.pool: 3 must divide both sides of an image (4 x 6)"}));
  CHECK(begin_with(folder.refused({{"form", "tokens"}, {"patch", "2"}}),
                   Lines{"task.patch: only 'form: patches' has one; the form is tokens. Remove it."}));
  CHECK(begin_with(folder.refused({{"patch", "2"}, {"pool", "2"}}),
                   Lines{"task.pool: only 'form: pixels' and 'form: tokens' have one; the form is patches"}));
  CHECK(begin_with(folder.refused({{"form", "pixels"}, {"levels", "16"}}),
                   Lines{"task.levels: only 'form: tokens' has one; the form is pixels"}));
  CHECK(begin_with(folder.refused({{"form", "tokens"}, {"levels", "1"}}), Lines{"task.levels: "}));
  CHECK(begin_with(folder.refused({{"patch", "2"}, {"validation", "12"}}),
                   Lines{"task.validation: 12 leaves no image for training; the training file has 12"}));
  CHECK_THAT(folder.refused({{"form", "patch"}, {"patch", "2"}}).at(0),
             ContainsSubstring("task.form") && ContainsSubstring("patches"));
}

TEST_CASE("images: another content at the same path is refused") {
  const ImageFolder folder;
  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  const Config once =
      registry.task("images").resolve(task_config(folder.given({{"patch", "2"}})), "task", problems);
  CHECK(once.find("content")->text().starts_with("xxh-"));
  CHECK(registry.task("images").resolve(once, "task", problems).canonical() == once.canonical());
  CHECK(problems.lines() == Lines{});
  write_bytes(folder.path() / "t10k-labels-idx1-ubyte", kSmall.labels(0, kSmall.test));
  registry.task("images").resolve(once, "task", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK_THAT(problems.lines()[0], ContainsSubstring("task.content") && ContainsSubstring("has changed"));
}

TEST_CASE("images: data have the golden hash") {
  const ImageFolder folder;
  CHECK(golden_hash(*folder.task({{"form", "tokens"}}), 4) == 0xc46cf65957fa7186);
  std::vector<double> all;
  for (const Split split : kSplits)
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Image image = draw_image(*folder.task({{"patch", "2"}}), split, i);
      all.insert(all.end(), image.vectors.begin(), image.vectors.end());
    }
  for (double& x : all) x = std::round(x * 1e6);  // rounding differs between compilers
  CHECK(XXH64(all.data(), all.size() * sizeof(double), 0) == 0x673ad5ce5efd3b8c);
}

// What is known of the data set from elsewhere. The files are in the package dataset-fashion-mnist.
TEST_CASE("images: Fashion-MNIST has its sizes, labels, mean and standard deviation") {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    WARN("not tested: the package dataset-fashion-mnist is not installed");
    return;
  }
  const auto task = make_task("images", {{"patch", "4"}});
  CHECK(task->shape() == TaskShape{.input = {Stream::Kind::vectors, 16, 49},
                                   .classes = 10,
                                   .model = ModelType::encoder,
                                   .labels = Labels::per_sequence});
  CHECK(task->size(Split::validation) == Index{5000});
  CHECK(task->size(Split::test) == Index{10000});
  std::vector<Token> labels;
  std::vector<int> classes(10);
  double black = 0, white = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const Image image = draw_image(*task, Split::test, i);
    if (i < 5) labels.push_back(image.label);
    ++classes.at(static_cast<std::size_t>(image.label));
    const auto [least, most] = std::ranges::minmax(image.vectors);
    black = std::min(black, least), white = std::max(white, most);
  }
  CHECK(labels == std::vector<Token>{9, 2, 1, 1, 6});
  CHECK(classes == std::vector<int>(10, 1000));
  CHECK(black == Approx(-0.285817 / 0.352937).margin(1e-5));
  CHECK(white == Approx((1 - 0.285817) / 0.352937).margin(1e-5));
}
