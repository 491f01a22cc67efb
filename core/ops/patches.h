#pragma once

#include <span>

#include "core/error.h"
#include "core/index.h"

namespace heed {

// An image (channels, height, width) in patches of patch_height x patch_width pixels, row by row. The numbers
// of a patch come in the order (channel, row, column).
struct Patches {
  Index channels = 1, height = 0, width = 0, patch_height = 1, patch_width = 1;

  Index count() const { return height / patch_height * (width / patch_width); }
  Index size() const { return channels * patch_height * patch_width; }  // numbers of one patch

  // Throws heed::Error if the patches do not cover the image.
  void check() const;

  // image (channels, height, width) -> patches (count(), size())
  void cut(std::span<const double> image, std::span<double> patches) const;
  // The inverse, and the transpose: each pixel is in one patch.
  void join(std::span<const double> patches, std::span<double> image) const;

 private:
  // Calls visit(pixel, number): the index of a pixel in the image, and in the patches.
  template <class Visit>
  void for_pixels(Visit&& visit) const;
};

}  // namespace heed
