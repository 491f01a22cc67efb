#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "core/passes.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Tokens and labels of a user's file: HDF5, or an archive of NumPy. It has the splits train, validation and
// test, each with the arrays
//     tokens (sequence, position), labels (sequence, position) or (sequence), and optional lengths
//     (sequence), source (sequence, source position), source_lengths (sequence).
// Training reads all sequences of `train` in a new order in each pass.
class File final : public Task, public FromLastTraits, public ModelTraits, public LengthTraits {
 public:
  struct Options {
    std::string path, content;
    Index vocab = 0, classes = 0;

    void describe(auto& option) {
      option(
          "path", path,
          {.doc = "a file with the splits train, validation and test (.npz, HDF5), or a folder with one HDF5 "
                  "file for each (train.h5, validation.h5, test.h5)"});
      option(
          "content", content,
          {.doc = "xxHash64 of the data, so that other data are another trial; filled in, and compared where "
                  "given"});
      option("vocab", vocab,
             {.min = 0,
              .max = kMaxVocabulary,
              .doc = "different tokens; 0: what the file states, or the largest token + 1"});
      option("classes", classes,
             {.min = 0,
              .max = kMaxVocabulary,
              .doc = "different labels; 0: what the file states, or the largest label + 1"});
    }
    void complete();
    void check(const Refuse& refuse) const;
  };

  // Reads the data. Throws: heed::Error with the place if something in them is wrong.
  File(const Options& options, std::uint64_t seed);

  TaskShape shape() const override { return shape_; }
  std::optional<Index> size(Split split) const override;
  void fill(Split split, std::uint64_t index, Example& example) const override;
  bool predicts_from_last() const override { return from_last_; }
  bool suits(ModelType type) const override;
  Index trained_length() const override;
  Index trained_source_length() const override;
  Index longest_length() const override;
  Index longest_source_length() const override;

  // Sequences of one stream in one split: `length` places for each.
  struct Rows {
    Index length = 0;
    std::vector<Token> tokens;
    std::vector<Index> lengths = {};  // of each sequence; empty: all are full
  };
  struct Data {
    Index count = 0;
    Rows input, source;
    std::vector<Token> labels;  // (count, input.length), or (count)
  };

 private:
  const Data& data(Split split) const { return splits_[static_cast<std::size_t>(split)]; }

  std::array<Data, 3> splits_;  // in the order of Split
  TaskShape shape_;
  bool from_last_ = false, states_model_ = false, gives_labels_away_ = false;
  Passes passes_;
};

}  // namespace heed
