#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/index.h"

namespace heed {

// A folder with the four files of MNIST, in IDX format (idx.h), each perhaps with ".gz" behind its name:
//     train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
// Errors are heed::Error: a sentence with the path.
struct ImageFiles {
  std::filesystem::path train_images, train_labels, test_images, test_labels;

  std::vector<std::filesystem::path> all() const {
    return {train_images, train_labels, test_images, test_labels};
  }
};

// Finds the files. Throws: heed::Error if one is missing, with the package to install for the default folder.
ImageFiles find_images(const std::string& folder);

struct ImageSize {
  Index count = 0, height = 0, width = 0;
  Index pixels() const { return height * width; }  // of one image
};

// Returns what the header of a file of images states.
ImageSize image_size(const std::filesystem::path& images);

// Gray images with a label each.
struct LabeledImages {
  ImageSize size;
  std::vector<std::uint8_t> pixels;  // (count, height, width)
  std::vector<std::uint8_t> labels;  // (count)
};

// Reads both files. Throws: heed::Error if there is not one label for each image, too.
LabeledImages read_images(const std::filesystem::path& images, const std::filesystem::path& labels);

constexpr const char* kImageFolder = "/usr/share/datasets/fashion-mnist";  // of the package
constexpr const char* kImagePackage = "dataset-fashion-mnist";             // of Debian and Ubuntu

}  // namespace heed
