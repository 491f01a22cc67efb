// Patches of noise and of other images among those of an image: noise_patches and distractor_patches of the
// task `images`.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/label_relevance.h"
#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/image_folder.h"
#include "tests/heap.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::size_t kWidth = 4, kPatches = 6;  // numbers of a patch of 2 x 2, patches of an image of 4 x 6

std::unique_ptr<Task> noisy(const ImageFolder& folder, int noise, int distractors, std::uint64_t seed = 1) {
  return folder.task({{"patch", "2"},
                      {"noise_patches", std::to_string(noise)},
                      {"distractor_patches", std::to_string(distractors)}},
                     seed);
}

using Patch = std::array<double, kWidth>;

struct Image {
  std::vector<Patch> patches;
  std::vector<Relevance> keys;
  Token label = -7;
  bool operator==(const Image&) const = default;
};

Image draw_image(const Task& task, Split split, std::uint64_t index) {
  const Index length = task.shape().input.length;
  std::vector<double> vectors(static_cast<std::size_t>(length) * kWidth, std::nan(""));
  Image out;
  Example example{{.vectors = vectors, .length = length}, {&out.label, 1}};
  task.fill(split, index, example);
  CHECK(example.input.length == length);
  out.patches.resize(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < vectors.size(); ++i) out.patches[i / kWidth][i % kWidth] = vectors[i];
  out.keys.assign(out.patches.size(), Relevance::distractor);
  dynamic_cast<const LabelRelevanceTraits&>(task).label_relevance(split, index, out.keys);
  return out;
}

std::vector<Patch> marked(const Image& image, bool added) {
  std::vector<Patch> out;
  for (std::size_t i = 0; i < image.keys.size(); ++i)
    if ((image.keys[i] == Relevance::distractor) == added) out.push_back(image.patches[i]);
  return out;
}

const LabelRelevanceTraits& marks(const Task& task) {
  return dynamic_cast<const LabelRelevanceTraits&>(task);
}

}  // namespace

TEST_CASE("images, noise: the image's patches remain in order, and its label is the same") {
  const ImageFolder folder;
  const auto plain = noisy(folder, 0, 0), mixed = noisy(folder, 3, 2);
  CHECK(mixed->shape() == TaskShape{.input = {Stream::Kind::vectors, kWidth, kPatches + 5},
                                    .classes = 3,
                                    .model = ModelType::encoder,
                                    .labels = Labels::per_sequence});
  CHECK_FALSE(marks(*plain).marks_relevance());
  CHECK(marks(*mixed).marks_relevance());
  for (const Split split : kSplits)
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Image image = draw_image(*mixed, split, i), expected = draw_image(*plain, split, i);
      CHECK(image.label == expected.label);
      CHECK(marked(image, false) == expected.patches);
      CHECK(marked(image, true).size() == 5);
      CHECK(std::ranges::count(expected.keys, Relevance::none) == std::ssize(expected.keys));
    }
  CHECK(mixed->size(Split::test) == plain->size(Split::test));
}

TEST_CASE("images, noise: a distractor is a patch of an image of another class in the same split") {
  const ImageFolder folder;
  const auto plain = noisy(folder, 0, 0), mixed = noisy(folder, 0, 2);
  for (const Split split : kSplits) {
    std::set<std::pair<Patch, Token>> others;  // training draws each of its 8 images soon
    for (Index i = 0; i < plain->size(split).value_or(200); ++i) {
      const Image image = draw_image(*plain, split, static_cast<std::uint64_t>(i));
      for (const Patch& p : image.patches) others.insert({p, image.label});
    }
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Image image = draw_image(*mixed, split, i);
      for (const Patch& p : marked(image, true))
        CHECK(std::ranges::any_of(others,
                                  [&](const auto& o) { return o.first == p && o.second != image.label; }));
    }
  }
}

TEST_CASE("images, noise: noise has mean 0 and standard deviation 1, and is at every place equally often") {
  const ImageFolder folder;
  const auto task = noisy(folder, 2, 0);
  constexpr int kMany = 4000;
  double sum = 0, squares = 0;
  std::vector<int> at(kPatches + 2);
  for (int i = 0; i < kMany; ++i) {
    const Image image = draw_image(*task, Split::train, static_cast<std::uint64_t>(i));
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += image.keys[k] == Relevance::distractor;
    for (const Patch& p : marked(image, true))
      for (const double x : p) sum += x, squares += x * x;
  }
  constexpr double n = 2.0 * kMany * kWidth;
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 5 * std::sqrt(2 / n));
  for (const int count : at) CHECK(std::abs(count - kMany / 4.0) < 5 * std::sqrt(kMany / 4.0));
}

TEST_CASE("images, noise: an answer is a patch of the image with a pixel that is not 0") {
  const ImageFolder folder;
  const auto task = noisy(folder, 1, 1);
  // Pixel (y, x) of image 0 is (71 y + 13 x x) % 256: no patch is black. The images of this test have
  // one black patch, the first.
  const auto black = [](std::size_t count) {
    std::string values;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t y = 0; y < 4; ++y)
        for (std::size_t x = 0; x < 6; ++x)
          values += y < 2 && x < 2 ? '\0' : static_cast<char>(1 + i + y + x);
    return idx_bytes({count, 4, 6}, values);
  };
  TempFolder other;
  SmallImages().write(other.path());
  write_bytes(other / "train-images-idx3-ubyte", black(12));
  write_bytes(other / "t10k-images-idx3-ubyte", black(8));
  const auto dark = make_task("images", {{"path", other.path().string()},
                                         {"validation", "4"},
                                         {"patch", "2"},
                                         {"noise_patches", "1"},
                                         {"distractor_patches", "1"}});
  for (const Split split : kSplits)
    for (std::uint64_t i = 0; i < 4; ++i) {
      CHECK(std::ranges::count(draw_image(*task, split, i).keys, Relevance::answer) == 6);
      const std::vector<Relevance> keys = draw_image(*dark, split, i).keys;
      CHECK(std::ranges::count(keys, Relevance::answer) == 5);
      CHECK(*std::ranges::find_if(keys, [](Relevance r) { return r != Relevance::distractor; }) ==
            Relevance::none);
    }
}

TEST_CASE("images, noise: data depend only on the seed, the split and the index, and repeat nothing") {
  const ImageFolder folder;
  const auto task = noisy(folder, 2, 1, 7), again = noisy(folder, 2, 1, 7), other = noisy(folder, 2, 1, 8);
  std::set<std::vector<Patch>> seen;
  for (const Split split : kSplits)
    for (std::uint64_t i = 4; i-- > 0;) {
      const Image image = draw_image(*task, split, i);
      CHECK(image == draw_image(*again, split, i));
      CHECK(image != draw_image(*other, split, i));
      seen.insert(image.patches);
    }
  CHECK(seen.size() == 12);
}

TEST_CASE("images, noise: making an example and its relevant positions allocates nothing") {
  const ImageFolder folder;
  const auto task = noisy(folder, 2, 2);
  std::vector<double> vectors((kPatches + 4) * kWidth);
  std::vector<Relevance> keys(kPatches + 4);
  Token label;
  Example example{{.vectors = vectors, .length = kPatches + 4}, {&label, 1}};
  const std::size_t before = heap_allocations();
  for (const Split split : kSplits) {
    task->fill(split, 1, example);
    marks(*task).label_relevance(split, 1, keys);
  }
  const std::size_t made = heap_allocations() - before;
  CHECK(made == 0);
}

TEST_CASE("images, noise: an option that has no effect or is too large is refused with its place") {
  const ImageFolder folder;
  CHECK(
      begin_with(folder.refused({{"form", "pixels"}, {"noise_patches", "1"}}),
                 Lines{"task.noise_patches: only 'form: patches' has them; the form is pixels. Remove it."}));
  CHECK(begin_with(folder.refused({{"form", "tokens"}, {"distractor_patches", "1"}}),
                   Lines{"task.distractor_patches: only 'form: patches' has them; the form is tokens"}));
  CHECK(begin_with(folder.refused({{"form", "tokens"}, {"objective", "generate"}, {"noise_patches", "1"}}),
                   Lines{"task.noise_patches: only 'form: patches' has them"}));
  CHECK_THAT(folder.refused({{"patch", "2"}, {"noise_patches", "4097"}}).at(0),
             ContainsSubstring("task.noise_patches") && ContainsSubstring("4096"));
  CHECK_THAT(folder.refused({{"patch", "2"}, {"distractor_patches", "-1"}}).at(0),
             ContainsSubstring("task.distractor_patches"));
  const ImageFolder one({.classes = 1});
  CHECK(noisy(one, 2, 0));
  CHECK_THROWS_WITH(noisy(one, 0, 1), ContainsSubstring("have the same label") && ContainsSubstring("Use 0"));
}

TEST_CASE("images, noise: positions have no grid, and data have the golden hash") {
  const ImageFolder folder;
  const auto task = noisy(folder, 2, 2);
  CHECK(dynamic_cast<const GridTraits&>(*task).columns() == 0);
  std::vector<double> all;
  for (const Split split : kSplits)
    for (std::uint64_t i = 0; i < 4; ++i)
      for (const Patch& p : draw_image(*task, split, i).patches) all.insert(all.end(), p.begin(), p.end());
  for (double& x : all) x = std::round(x * 1e6);  // rounding differs between compilers
  CHECK(XXH64(all.data(), all.size() * sizeof(double), 0) == 0x2691bcab2e7a67d2);
}
