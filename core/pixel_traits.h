#pragma once

#include <optional>

#include "core/index.h"
#include "core/task.h"

namespace heed {

// The task generates images, so that its loss can be given in bits per pixel.
class PixelTraits {
 public:
  virtual ~PixelTraits() = default;
  // Returns how many pixels all scored positions of a split stand for; nullopt if the split is endless, or
  // pixels are not predicted.
  virtual std::optional<Index> scored_pixels(Split split) const = 0;
};

}  // namespace heed
