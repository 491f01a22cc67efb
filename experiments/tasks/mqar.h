#pragma once

#include <string>
#include <vector>

#include "core/options.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Multi-query associative recall (Zoology, Arora et al. 2023): K pairs of key and value, then filler in
// which each key occurs once more. The output there must be the key's value. The distances follow a power
// law. In the test split, a share of these queries may have a key that was not shown.
class Mqar final : public TokenTask, public ModelTraits, public AnswerableTraits {
 public:
  struct Options {
    Index length = 64, vocab = 8192, pairs = 4;
    double power = 0.01, unanswerable = 0;
    std::string filler = "zero";

    void describe(auto& option) {
      option("length", length, {.min = 4, .max = kMaxLength, .doc = "tokens in a sequence; even"});
      option("vocab", vocab,
             {.min = 6, .max = kMaxVocabulary, .doc = "different tokens; even, more than length"});
      option("pairs", pairs, {.min = 1, .doc = "key-value pairs; at most length / 4"});
      option("power", power,
             {.min = 0,
              .max = 10,
              .doc = "a in the probability (s+1)^(a-1) that a key is at slot s; 1 is uniform"});
      option("filler", filler,
             {.choices = {"zero", "random"}, .doc = "tokens between the queries: token 0 or random tokens"});
      option("unanswerable", unanswerable,
             {.min = 0, .max = 1, .doc = "share of the test queries whose key is not in the context"});
    }
    void check(const Refuse& refuse) const;
  };

  Mqar(const Options& options, std::uint64_t seed);
  Index vocabulary() const override { return options_.vocab; }
  Index length() const override { return options_.length; }
  bool suits(ModelType type) const override { return type != ModelType::encoder_decoder; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override;
  bool asks_unanswerable() const override { return options_.unanswerable > 0; }
  bool is_answerable(std::span<const Token> tokens, Index query) const override;

 private:
  Index draw_free_slot(Draws& draws, std::span<const Token> labels) const;
  void ask_what_was_not_shown(Draws& draws, std::span<Token> tokens, std::span<Token> labels) const;

  Options options_;
  std::vector<double> weights_;  // of slot s: (s+1)^(power-1)
  Streams streams_;
};

}  // namespace heed
