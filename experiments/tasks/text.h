#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/options.h"
#include "core/rng.h"
#include "core/task_traits.h"
#include "experiments/tasks/corpus.h"
#include "experiments/tasks/streams.h"

namespace heed {

// The next byte or character of a text, which is split into three contiguous parts. Training windows start
// anywhere in the first part. Sequence i of another part is its i-th window; together the windows score
// every position of the part once.
class Text final : public TokenTask, public TextTraits {
 public:
  struct Options {
    std::string path = "/usr/share/common-licenses", unit = "bytes", content;
    Index length = 64;
    std::vector<double> split = {0.9, 0.05, 0.05};

    void describe(auto& option) {
      option("path", path, {.doc = "a text file, or a folder whose files are joined (links are skipped)"});
      option("unit", unit,
             {.choices = {"bytes", "characters"}, .doc = "the unit of a token; characters require UTF-8"});
      option("content", content,
             {.doc = "xxHash64 of the text, so that another text is another trial; filled in, and compared "
                     "where given"});
      option("length", length, {.min = 1, .max = kMaxLength, .doc = "tokens in a window"});
      option("split", split,
             {.min = 0, .max = 1, .doc = "fractions of train, validation and test; test may be 0"});
    }
    void complete();
    void check(const Refuse& refuse) const;
  };

  // Reads the text. Throws: heed::Error if it cannot be read, is not UTF-8 or is too short.
  Text(const Options& options, std::uint64_t seed);
  Index vocabulary() const override { return text_.vocabulary; }
  Index length() const override { return length_; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  // Returns the number of windows; nullopt for training, which does not end.
  std::optional<Index> size(Split split) const override;
  std::optional<Index> scored_bytes(Split split) const override;

 private:
  std::span<const Token> part(Split split) const;

  Index length_;
  TokenizedText text_;
  std::array<Index, 4> bounds_;  // part i is bounds_[i] .. bounds_[i+1]-1
  Rng starts_;
};

}  // namespace heed
