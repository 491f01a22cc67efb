// Generating images with a trained model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/model/model.h"
#include "core/task.h"
#include "experiments/train/sample.h"

namespace heed {

// Images of gray levels, row by row. The condition before an image is its class.
struct GeneratedImages {
  Index classes, rows, columns;
  Index levels;  // tokens are gray levels 0 (black) .. levels - 1 (white)

  Index size() const { return rows * columns; }
};

// Returns what the images of a task are like; nullopt if the task does not generate images.
std::optional<GeneratedImages> generated_images(const Task& task);

// Returns the gray of a level, 0 .. 255: levels evenly spaced, from black to white. The task `images` gives
// a square of this gray the same level. Requires: levels >= 2.
std::uint8_t gray_of(Token level, Index levels);

// Generates an image of each class and returns its grays, (class, row, column). number: of the image among
// those of its class; other numbers have other draws. Calls after_token() after each token of the images;
// it may throw.
std::vector<std::uint8_t> sample_images(
    Model<float>& model, const GeneratedImages& images, std::uint64_t number, const SampleOptions& options,
    const std::function<void()>& after_token = [] {});

}  // namespace heed
