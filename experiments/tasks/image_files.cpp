#include "experiments/tasks/image_files.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "core/error.h"
#include "experiments/tasks/idx.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

std::string remedy(const fs::path& folder) {
  if (folder == kImageFolder)
    return fmt::format(
        "Install the package {} (apt install {}), or give 'path' a folder with the files of "
        "MNIST",
        kImagePackage, kImagePackage);
  return fmt::format(
      "It needs the four files of MNIST; the package {} installs those of Fashion-MNIST into "
      "{}, the default",
      kImagePackage, kImageFolder);
}

fs::path find(const fs::path& folder, const std::string& name) {
  for (const char* end : {"", ".gz"})
    if (fs::path file = folder / (name + end); fs::exists(file)) return file;
  throw Error(fmt::format("'{}' has no file {} or {}.gz. {}.", folder.string(), name, name, remedy(folder)));
}

ImageSize size_of(const std::vector<std::size_t>& shape) {
  return {static_cast<Index>(shape[0]), static_cast<Index>(shape[1]), static_cast<Index>(shape[2])};
}

}  // namespace

ImageFiles find_images(const std::string& folder) {
  if (!fs::is_directory(folder))
    throw Error(fmt::format("'{}' {}. {}.", folder, fs::exists(folder) ? "is no folder" : "does not exist",
                            remedy(folder)));
  return {find(folder, "train-images-idx3-ubyte"), find(folder, "train-labels-idx1-ubyte"),
          find(folder, "t10k-images-idx3-ubyte"), find(folder, "t10k-labels-idx1-ubyte")};
}

ImageSize image_size(const fs::path& images) { return size_of(read_idx_shape(images, 3)); }

LabeledImages read_images(const fs::path& images, const fs::path& labels) {
  IdxArray pixels = read_idx(images, 3), classes = read_idx(labels, 1);
  if (pixels.shape[0] != classes.shape[0])
    throw Error(fmt::format("'{}' has {} images, but '{}' has {} labels. Are they of the same data set?",
                            images.string(), pixels.shape[0], labels.string(), classes.shape[0]));
  return {size_of(pixels.shape), std::move(pixels.values), std::move(classes.values)};
}

}  // namespace heed
