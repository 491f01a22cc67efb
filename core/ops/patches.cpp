#include "core/ops/patches.h"

#include <fmt/format.h>

#include <cstddef>

namespace heed {

void Patches::check() const {
  if (patch_height < 1 || patch_width < 1 || height % patch_height != 0 || width % patch_width != 0)
    throw Error(fmt::format("patches of {} x {} pixels do not cover an image of {} x {}.", patch_height,
                            patch_width, height, width));
}

template <class Visit>
void Patches::for_pixels(Visit&& visit) const {
  std::size_t number = 0;
  for (Index top = 0; top < height; top += patch_height)
    for (Index left = 0; left < width; left += patch_width)
      for (Index c = 0; c < channels; ++c)
        for (Index y = top; y < top + patch_height; ++y)
          for (Index x = left; x < left + patch_width; ++x)
            visit(static_cast<std::size_t>((c * height + y) * width + x), number++);
}

void Patches::cut(std::span<const double> image, std::span<double> patches) const {
  for_pixels([&](std::size_t pixel, std::size_t number) { patches[number] = image[pixel]; });
}

void Patches::join(std::span<const double> patches, std::span<double> image) const {
  for_pixels([&](std::size_t pixel, std::size_t number) { image[pixel] = patches[number]; });
}

}  // namespace heed
