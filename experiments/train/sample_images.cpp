#include "experiments/train/sample_images.h"

#include <numeric>

#include "core/task_traits.h"
#include "experiments/trial/task_of.h"

namespace heed {

std::optional<GeneratedImages> generated_images(const Task& task) {
  const Task& own = own_task(task);
  const auto* pixels = dynamic_cast<const PixelTraits*>(&own);
  const auto* grid = dynamic_cast<const GridTraits*>(&own);
  if (!pixels || !grid || !annealing(own) || !pixels->scored_pixels(Split::test)) return std::nullopt;
  const TaskShape shape = own.shape();
  return GeneratedImages{.classes = shape.input.width - shape.classes,
                         .rows = shape.input.length / grid->columns(),
                         .columns = grid->columns(),
                         .levels = shape.classes};
}

// Rounds up: the smallest gray of a level rounded down may belong to the level below.
std::uint8_t gray_of(Token level, Index levels) {
  return static_cast<std::uint8_t>((255 * level + levels - 2) / (levels - 1));
}

std::vector<std::uint8_t> sample_images(Model<float>& model, const GeneratedImages& images,
                                        std::uint64_t number, const SampleOptions& options,
                                        const std::function<void()>& after_token) {
  std::vector<Token> conditions(static_cast<std::size_t>(images.classes));
  std::iota(conditions.begin(), conditions.end(), static_cast<Token>(images.levels));
  const Prompts prompts{conditions, images.classes, number * conditions.size()};
  Continuation continuation(model, prompts, images.size(), options);
  std::vector<std::uint8_t> out(conditions.size() * static_cast<std::size_t>(images.size()));
  for (Index i = 0; i < images.size(); ++i) {
    std::size_t at = static_cast<std::size_t>(i);
    for (const Token level : continuation.next()) {
      out[at] = gray_of(level, images.levels);
      at += static_cast<std::size_t>(images.size());
    }
    after_token();
  }
  return out;
}

}  // namespace heed
