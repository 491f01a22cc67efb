#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/options.h"
#include "core/task.h"
#include "experiments/tasks/corpus.h"
#include "experiments/tasks/streams.h"
#include "experiments/tasks/subword_options.h"

namespace heed {

// The options of every task on a text.
struct TextOptions : SubwordOptions {
  std::string path = "/usr/share/common-licenses", content;
  Index length = 64, train_bytes = 0;
  std::vector<double> split = {0.9, 0.05, 0.05};

  void describe(auto& option) {
    option("path", path, {.doc = "a text file, or a folder whose files are joined (links are skipped)"});
    describe_unit(option);
    option(
        "content", content,
        {.doc = "xxHash64 of the text, so that another text is another trial; filled in, and compared where "
                "given"});
    describe_subwords(option);
    option("length", length, {.min = 1, .max = kMaxLength, .doc = "tokens in a window"});
    option("split", split,
           {.min = 0,
            .max = 1,
            .divides = true,
            .doc = "fractions of train, validation and test; test may be 0"});
    option("train_bytes", train_bytes,
           {.min = 0,
            .divides = true,
            .doc = "how many bytes of the training part are used, from its beginning; 0: all"});
  }
  void complete();
  void check(const Refuse& refuse) const;
};

// A text as tokens, in three contiguous parts.
class TextParts {
 public:
  // Reads the text. Throws: heed::Error if it cannot be read, is not UTF-8 or is too short.
  explicit TextParts(const TextOptions& options);

  Index vocabulary() const { return text_.vocabulary; }
  std::span<const Token> part(Split split) const;
  Index bytes(std::span<const Token> tokens) const;  // of text
  // As in SubwordsTraits.
  const Subwords* subwords() const { return subwords_.get(); }
  const std::string& subwords_origin() const { return subwords_origin_; }
  // As in TokenizerTraits.
  std::vector<Token> encode(const std::string& text) const;
  const std::string& decode(Token token) const { return text_.units[static_cast<std::size_t>(token)]; }

 private:
  struct Part {
    Index begin = 0, end = 0;
  };
  void read_units(const TextOptions& options, const std::string& text);  // bytes, characters
  void read_subwords(const TextOptions& options, const std::string& text);

  bool bytes_;
  std::unique_ptr<Subwords> subwords_;  // null: units are bytes or characters
  TokenizedText text_;
  std::string subwords_origin_;
  std::array<Part, 3> parts_;  // in the order of Split
};

}  // namespace heed
