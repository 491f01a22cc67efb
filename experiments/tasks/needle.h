#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/options.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"
#include "experiments/tasks/text.h"

namespace heed {

// Needle in a haystack (Kamradt 2023; several needles: Ye et al. 2024, Differential Transformer): pairs of a
// key and its value are hidden in filler, and the last positions ask for some of the keys again.
class Needle final : public TokenTask, public DepthTraits {
 public:
  struct Options {
    Index length = 256, keys = 32, filler_vocab = 32, needles = 1, ask = 1;
    std::string filler = "random", depth = "uniform", path = Text::Options().path, content;

    void describe(auto& option) {
      option("length", length, {.min = 3, .max = kMaxLength, .doc = "tokens in a sequence"});
      option("keys", keys,
             {.min = 1, .max = kMaxVocabulary, .doc = "different keys, and as many different values"});
      option("needles", needles,
             {.min = 1,
              .max = 1024,
              .doc = "pairs of key and value; at most keys, and a quarter of the context"});
      option("ask", ask, {.min = 1, .doc = "how many of them are asked for; at most needles"});
      option(
          "depth", depth,
          {.doc = "where the first pair that is asked for is: uniform, or a number from 0 (the beginning of "
                  "the context) to 1 (its end)"});
      option(
          "filler", filler,
          {.choices = {"random", "text"}, .doc = "random tokens of a vocabulary of their own, or real text"});
      option("filler_vocab", filler_vocab,
             {.min = 1, .max = kMaxVocabulary, .doc = "different tokens of random filler"});
      option("path", path, {.doc = "for filler: text, a text file, or a folder whose files are joined"});
      option("content", content,
             {.doc = "for filler: text, xxHash64 of the text; filled in, and compared where given"});
    }
    Index context() const { return length - ask; }
    std::optional<double> fixed_depth() const;  // nullopt: uniform
    Text::Options text() const;                 // of the filler
    void complete();
    void check(const Refuse& refuse) const;
  };

  // Throws: heed::Error if the filler's text cannot be read.
  Needle(const Options& options, std::uint64_t seed);
  Index vocabulary() const override;
  Index length() const override { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  double depth(std::span<const Token> tokens, Index query) const override;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override;

 private:
  void fill_context(Draws& draws, Split split, std::uint64_t index, std::span<Token> tokens,
                    std::span<Token> labels) const;
  Index place(Draws& draws, std::span<const Token> tokens, bool first) const;
  Token draw_unused(Draws& draws, Index first_token, std::span<const Token> tokens) const;

  Options options_;
  std::optional<double> fixed_depth_;
  Streams streams_;
  std::unique_ptr<const Text> text_;  // the filler, or null if it is random
};

}  // namespace heed
