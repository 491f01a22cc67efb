#pragma once

#include "core/rng.h"
#include "core/task_traits.h"
#include "experiments/tasks/subwords.h"
#include "experiments/tasks/text_parts.h"

namespace heed {

// The next byte, character or subword of a text, which is split into three contiguous parts. Training windows
// start anywhere in the first part. Sequence i of another part is its i-th window; together the windows score
// every position of the part once.
class Text final : public TokenTask, public TextTraits, public SubwordsTraits {
 public:
  using Options = TextOptions;

  // Reads the text. Throws: heed::Error if it cannot be read, is not UTF-8 or is too short.
  Text(const Options& options, std::uint64_t seed)
      : length_(options.length), text_(options), starts_(seed, "text train") {}
  Index vocabulary() const override { return text_.vocabulary(); }
  Index length() const override { return length_; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  // Returns the number of windows; nullopt for training, which does not end.
  std::optional<Index> size(Split split) const override;
  std::optional<Index> scored_bytes(Split split) const override;
  const std::string& subwords_model() const override { return text_.subwords_model(); }

 private:
  Index length_;
  TextParts text_;
  Rng starts_;
};

}  // namespace heed
