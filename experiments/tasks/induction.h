#pragma once

#include <string>

#include "core/options.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Induction (Olsson et al. 2022, as in Fu et al. 2023). score: last: a mark is somewhere among random
// tokens and again at the end, where the output must be the token that followed the first mark. score: all:
// the second half of a sequence repeats the first, and the output must be the token that followed the
// earlier occurrence.
class Induction final : public TokenTask, public ModelTraits {
 public:
  struct Options {
    Index length = 30, vocab = 20;
    std::string score = "last";

    void describe(auto& option) {
      option("length", length,
             {.min = 3, .max = kMaxLength, .doc = "tokens in a sequence; even for 'score: all'"});
      option("vocab", vocab,
             {.min = 2, .max = kMaxVocabulary, .doc = "different tokens; the last is the mark"});
      option("score", score,
             {.choices = {"last", "all"},
              .doc = "last: the token after the mark; all: every repeated pair of a random half and its "
                     "repetition"});
    }
    void check(const Refuse& refuse) const;
  };

  Induction(const Options& options, std::uint64_t seed) : options_(options), streams_(seed, "induction") {}
  Index vocabulary() const override { return options_.vocab; }
  Index length() const override { return options_.length; }
  bool suits(ModelType type) const override {
    return type == ModelType::decoder || (type == ModelType::encoder && options_.score == "last");
  }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override;

 private:
  Options options_;
  Streams streams_;
};

}  // namespace heed
