// Images that a decoder generates: objective: generate of the task `images`.
#include <optional>
#include <string>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/image_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

// Of images of 4 x 6 pixels, 3 classes.
const Given kGenerate = {{"form", "tokens"}, {"objective", "generate"}, {"levels", "16"}};

Given with(Given given, const std::string& option, const std::string& value) {
  given.emplace_back(option, value);
  return given;
}

}  // namespace

TEST_CASE("images, generate: the class is followed by the tokens, and all of them are predicted") {
  const ImageFolder folder;
  const auto task = folder.task(kGenerate), classified = folder.task({{"form", "tokens"}});
  CHECK(task->shape().input == Stream{Stream::Kind::tokens, 16 + 3, 6});
  CHECK(task->shape().classes == 16);
  CHECK(task->shape().model == ModelType::decoder);
  CHECK(task->shape().labels == Labels::per_position);
  CHECK_FALSE(suits(*task, ModelType::encoder));
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Sequence image = draw(*classified, split, i), s = draw(*task, split, i);
      CHECK(s.labels == image.tokens);
      CHECK(s.tokens[0] == 16 + image.labels[0]);
      for (std::size_t t = 1; t < 6; ++t) CHECK(s.tokens[t] == s.labels[t - 1]);
    }
}

TEST_CASE("images, generate: bits are per position of an image, and training has an order") {
  const ImageFolder folder;
  const auto pixels = [](const Task& task, Split split) {
    return dynamic_cast<const PixelTraits&>(task).scored_pixels(split);
  };
  const auto task = folder.task(kGenerate), random = folder.task(with(kGenerate, "order", "random")),
             classified = folder.task({{"form", "tokens"}});
  CHECK(pixels(*task, Split::test) == 8 * 6);
  CHECK(pixels(*task, Split::validation) == 4 * 6);
  CHECK(pixels(*task, Split::train) == std::nullopt);
  CHECK(pixels(*classified, Split::test) == std::nullopt);
  CHECK(annealing(*classified) == std::nullopt);
  REQUIRE((annealing(*task) && annealing(*random)));
  CHECK(annealing(*task)->share(0) == 0);  // raster
  CHECK(annealing(*random)->share(0.99) == 1);
}

TEST_CASE("images, generate: mistakes are refused with their key, and so are options without effect") {
  const ImageFolder folder;
  CHECK(begin_with(folder.refused({{"form", "pixels"}, {"objective", "generate"}}),
                   Lines{"task.objective: only tokens are generated; the form is pixels. Use form: tokens"}));
  CHECK(begin_with(folder.refused({{"form", "tokens"}, {"order", "random"}}),
                   Lines{"task.order: it has no effect, because images are classified; remove it"}));
  CHECK_THAT(folder.refused(with(kGenerate, "order", "randm")).at(0),
             ContainsSubstring("task.order: ") && ContainsSubstring("Did you mean 'random'?"));
  CHECK_THAT(folder.refused({{"form", "tokens"}, {"objective", "generat"}}).at(0),
             ContainsSubstring("task.objective: ") && ContainsSubstring("Did you mean 'generate'?"));
}
