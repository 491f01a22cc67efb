#pragma once

#include "core/rng.h"
#include "core/task_traits.h"
#include "experiments/tasks/order_options.h"
#include "experiments/tasks/subwords.h"
#include "experiments/tasks/text_parts.h"

namespace heed {

// The next byte, character or subword of a text, which is split into three contiguous parts. Training windows
// start anywhere in the first part. Sequence i of another part is its i-th window; together the windows score
// every position of the part once.
//
// With `order`, a window may be read in any order (OrderTraits): the condition, whose token comes after those
// of the text, is followed by the window, and all its tokens are predicted. A part has whole windows only.
class Text final : public Task,
                   public TextTraits,
                   public SubwordsTraits,
                   public OrderTraits,
                   public TokenizerTraits {
 public:
  struct Options : TextOptions, OrderOptions {
    void describe(auto& option) {
      TextOptions::describe(option);
      OrderOptions::describe(option);
    }
    void complete() {
      TextOptions::complete();
      OrderOptions::complete();
    }
    void check(const Refuse& refuse) const {
      TextOptions::check(refuse);
      OrderOptions::check(refuse);
    }
  };

  // Reads the text. Throws: heed::Error if it cannot be read, is not UTF-8 or is too short.
  Text(const Options& options, std::uint64_t seed);
  TaskShape shape() const override;
  void fill(Split split, std::uint64_t index, Example& example) const override;
  // Returns the number of windows; nullopt for training, which does not end.
  std::optional<Index> size(Split split) const override;
  std::optional<Index> scored_bytes(Split split) const override;
  const Subwords* subwords() const override { return text_.subwords(); }
  std::string subwords_origin() const override { return text_.subwords_origin(); }
  std::optional<Annealing> annealing() const override { return annealing_; }
  std::vector<Token> encode(const std::string& text) const override { return text_.encode(text); }
  std::string decode(Token token) const override { return text_.decode(token); }

 private:
  Index window_start(Split split, std::uint64_t index) const;

  Index length_;
  std::optional<Annealing> annealing_;  // nullopt: the order is none
  TextParts text_;
  Rng starts_;
};

}  // namespace heed
