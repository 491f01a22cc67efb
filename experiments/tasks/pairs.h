#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/options.h"
#include "core/rng.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/corpus.h"
#include "experiments/tasks/subword_options.h"

namespace heed {

// Pairs of texts from a TSV file, source TAB target, one pair a line: translations, summaries, questions and
// answers. TAB begins a target and a newline ends it. A pair belongs to the split that a hash of its source
// decides (docs/tasks.md), so it stays there when the file grows. Training draws pairs with replacement; the
// other splits are read once, in the order of the file. Sources and targets have the same subwords.
class Pairs final : public Task,
                    public CharacterTraits,
                    public SubwordsTraits,
                    public TokenizerTraits,
                    public NoteTraits {
 public:
  struct Options : SubwordOptions {
    std::string path, content;
    Index max_length = 64;

    void describe(auto& option) {
      option("path", path, {.doc = "a TSV file: source TAB target, one pair a line, UTF-8"});
      describe_unit(option);
      option("content", content,
             {.doc = "xxHash64 of the file, so that another file is another trial; filled in, and compared "
                     "where given"});
      describe_subwords(option);
      option("max_length", max_length,
             {.min = 1,
              .max = 1 << 20,
              .doc = "longest source and target, in units; longer pairs are left out"});
    }
    void complete();
    void check(const Refuse& refuse) const;
  };

  // Reads the file. Throws: heed::Error if it cannot be read, or a line is no pair, or a split would be
  // empty.
  Pairs(const Options& options, std::uint64_t seed);
  TaskShape shape() const override;
  void fill(Split split, std::uint64_t index, Example& example) const override;
  std::optional<Index> size(Split split) const override;  // nullopt for training, which does not end
  std::span<const std::int64_t> code_points() const override { return alphabet_; }  // none of subwords
  const Subwords* subwords() const override { return subwords_.get(); }
  std::string subwords_origin() const override { return subwords_origin_; }
  std::vector<Token> encode(const std::string& text) const override {
    return subwords_ ? subwords_->encode(text) : encode_units(text, units_, bytes_);
  }
  std::string decode(Token token) const override { return units_[static_cast<std::size_t>(token)]; }

  std::string note() const override;  // how many pairs are too long

 private:
  struct Pair {
    std::vector<Token> source, target;
  };

  std::string path_;
  bool bytes_;
  std::unique_ptr<Subwords> subwords_;  // null: units are bytes or characters
  std::string subwords_origin_;
  Index max_length_, pairs_ = 0, left_out_ = 0;  // of all pairs
  std::array<std::vector<Pair>, 3> parts_;       // in the order of Split
  std::vector<std::int64_t> alphabet_;           // the byte or code point of each token, ascending
  std::vector<std::string> units_;               // its bytes
  Token tab_ = 0, newline_ = 0;
  Rng draws_;
};

}  // namespace heed
