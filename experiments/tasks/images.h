#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/label_relevance.h"
#include "core/ops/patches.h"
#include "core/options.h"
#include "core/rng.h"
#include "core/task_traits.h"
#include "experiments/tasks/image_files.h"
#include "experiments/tasks/order_options.h"
#include "experiments/tasks/patch_order.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Gray images with one label each, from files of MNIST's format. An image is cut into square cells, row by
// row, each a position of the sequence:
//     patches   the pixels of a cell, row by row: a vector
//     pixels    their mean: a vector of one number
//     tokens    their mean as one of `levels` gray levels
// Numbers are standardized by the mean and the standard deviation of all numbers of the training images.
// Training draws images with replacement; the other splits are read once, in the order of the files.
//
// Among the patches of an image there may be others, at random places: `noise_patches` of normal numbers, and
// `distractor_patches`, each of another image of the same split with another label.
//
// With `objective: generate`, a decoder predicts the tokens of an image, in any order (OrderTraits). Its
// first token is the class, numbered after the gray levels.
class Images final : public Task,
                     public GridTraits,
                     public PixelTraits,
                     public OrderTraits,
                     public LabelRelevanceTraits {
 public:
  struct Options : OrderOptions {
    std::string path = kImageFolder, content, form = "patches", objective = "classify";
    Index patch = 0, pool = 0, levels = 0, validation = 5000, noise_patches = 0, distractor_patches = 0;

    void describe(auto& option) {
      option("path", path,
             {.doc = "a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, "
                     "each perhaps .gz"});
      option("content", content,
             {.doc = "xxHash64 of the files, so that other files are another trial; filled in, and compared "
                     "where given"});
      option("form", form,
             {.choices = {"patches", "pixels", "tokens"},
              .doc = "what a position is: the pixels of a patch, a mean of pixels, or a gray level"});
      option("objective", objective,
             {.choices = {"classify", "generate"},
              .doc = "predict the label, or, for tokens, all tokens of an image after its label"});
      OrderOptions::describe(option);
      option("patch", patch, {.min = 0, .max = kMaxLength, .doc = "for patches, pixels of a side; 0: 4"});
      option("pool", pool,
             {.min = 0,
              .max = kMaxLength,
              .doc = "for pixels and tokens, side of the square whose mean is a position; 0: 2"});
      option("levels", levels, {.min = 0, .max = 256, .doc = "for tokens, different gray levels; 0: 16"});
      option("validation", validation,
             {.min = 1,
              .max = kMaxLength,
              .divides = true,
              .doc = "how many of the training file's images, the last ones"});
      option("noise_patches", noise_patches,
             {.min = 0, .max = kMaxAdded, .doc = "patches of noise among those of an image"});
      option(
          "distractor_patches", distractor_patches,
          {.min = 0, .max = kMaxAdded, .doc = "patches of images of other classes among those of an image"});
    }
    void complete();
    void check(const Refuse& refuse) const;
    bool generates() const { return objective == "generate"; }
    Index cell() const { return form == "patches" ? patch : pool; }  // pixels of a side

   private:
    static constexpr double kMaxAdded = 4096;
    void check_form(const Refuse& refuse) const;
    void check_objective(const Refuse& refuse) const;
  };

  // Reads the files. Throws: heed::Error if one is missing, or something in them is wrong.
  Images(const Options& options, std::uint64_t seed);

  TaskShape shape() const override { return shape_; }
  void fill(Split split, std::uint64_t index, Example& example) const override;
  std::optional<Index> size(Split split) const override;  // nullopt for training, which does not end
  std::optional<Index> scored_pixels(Split split) const override;
  std::optional<Annealing> annealing() const override { return annealing_; }
  Index columns() const override { return columns_; }
  bool marks_relevance() const override { return patches_.added() > 0; }
  void label_relevance(Split split, std::uint64_t index, std::span<Relevance> keys) const override;

 private:
  // The images of a split: consecutive rows of a file.
  struct Part {
    const LabeledImages& file;
    Index first, count;
    const std::uint8_t* image(Index row) const { return file.pixels.data() + row * file.size.pixels(); }
    Token label(Index row) const { return file.labels[static_cast<std::size_t>(row)]; }
  };
  Part part(Split split) const;
  Index row_of(Split split, std::uint64_t index) const;  // of an example's image, in its file
  // Number `i` of an image as it is cut: the sum of `summed_` pixels.
  Index number(const std::uint8_t* image, std::size_t i) const;
  // Writes the numbers of an image from number `first` on, standardized.
  void vectors_of(const std::uint8_t* image, std::size_t first, std::span<double> vectors) const;
  // Writes the patches of an image and those that are added to it.
  void mix(Split split, std::uint64_t index, std::span<double> vectors) const;
  void write_distractor(const Part& from, Token label, Draws& draws, std::span<double> patch) const;
  void check_classes() const;
  void tokens_of(const std::uint8_t* image, std::span<Token> tokens) const;
  void standardize();

  LabeledImages train_, test_;
  Index training_;            // images of the training file before those of the validation
  std::vector<Index> order_;  // pixels of an image, cell by cell
  Index summed_;              // pixels of one number
  Index levels_;              // of a token; 0: vectors
  double scale_ = 1, mean_ = 0, stddev_ = 1;
  Index columns_;  // positions in a row of an image; 0: other patches are among them
  PatchCounts patches_;
  TaskShape shape_;
  std::optional<Annealing> annealing_;  // nullopt: images are classified
  Rng draws_;
  Streams places_, added_;  // of patches: where they are, and the numbers of those that are added
};

}  // namespace heed
