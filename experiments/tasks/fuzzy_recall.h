#pragma once

#include <string>

#include "core/options.h"
#include "core/task.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Fuzzy in-context recall (MAD, Poli et al. 2024): recall in which keys and values are motifs, each of one or
// several adjacent tokens. A key has one value within a sequence. The last pair repeats a key that was shown.
// The sequence is padded on the left.
class FuzzyRecall final : public TokenTask {
 public:
  struct Options {
    Index length = 128, vocab = 16, key_length = 3, value_length = 3;
    std::string labels = "all";

    void describe(auto& option) {
      option("length", length,
             {.min = 4, .max = kMaxLength, .doc = "tokens in a sequence; at least twice the longest pair"});
      option("vocab", vocab,
             {.min = 3, .max = kMaxVocabulary, .doc = "different tokens: keys, values and the pad token"});
      option("key_length", key_length, {.min = 1, .max = 64, .doc = "tokens of the longest key"});
      option("value_length", value_length, {.min = 1, .max = 64, .doc = "tokens of the longest value"});
      option("labels", labels,
             {.choices = {"all", "recalled"},
              .doc = "scored in training: every next token, or only values of repeated keys (validation and "
                     "test always do that)"});
    }
    Index key_tokens() const { return (vocab - 1) / 2; }
    Index value_tokens() const { return vocab - 1 - key_tokens(); }
    void check(const Refuse& refuse) const;
  };

  FuzzyRecall(const Options& options, std::uint64_t seed)
      : options_(options), streams_(seed, "fuzzy_recall") {}
  Index vocabulary() const override { return options_.vocab; }
  Index length() const override { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override;

 private:
  // A key and its value: tokens begin .. middle-1 and middle .. end-1 of a sequence.
  struct Pair {
    Index begin, middle, end;
  };
  bool is_key(Token t) const { return t < options_.key_tokens(); }
  Pair pair_at(std::span<const Token> tokens, Index begin) const;
  Pair find_key(std::span<const Token> tokens, const Pair& pair) const;
  void draw_motif(Draws& draws, Index first, Index count, std::span<Token> motif) const;
  Index write_pair(Draws& draws, bool full_key, std::span<Token> tokens, Index begin) const;
  Index fill_context(Draws& draws, bool full_key, std::span<Token> tokens) const;

  Options options_;
  Streams streams_;
};

}  // namespace heed
