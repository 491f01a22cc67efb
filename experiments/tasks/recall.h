#pragma once

#include <string>

#include "core/options.h"
#include "core/task.h"
#include "experiments/tasks/streams.h"

namespace heed {

// In-context recall (MAD, Poli et al. 2024): pairs of key and value, and pairs of noise among them. A
// key has one value within a sequence. The last pair repeats a key that was shown.
class Recall : public TokenTask {
 public:
  struct Options {
    Index length = 128, vocab = 16, noise_vocab = 0;
    double noise = 0;
    std::string labels = "all";

    void describe(auto& option) {
      option("length", length, {.min = 4, .max = kMaxLength, .doc = "tokens in a sequence; even"});
      option("vocab", vocab,
             {.min = 2, .max = kMaxVocabulary, .doc = "different tokens: keys, values and noise"});
      option("noise_vocab", noise_vocab,
             {.min = 0, .doc = "how many of them are noise; half of the rest are keys, half are values"});
      option("noise", noise, {.min = 0, .max = 1, .doc = "the probability that a pair is noise"});
      option("labels", labels,
             {.choices = {"all", "recalled"},
              .doc = "scored in training: every next token, or only values of repeated keys (validation and "
                     "test always do that)"});
    }
    void check(const Refuse& refuse) const;
  };

  Recall(const Options& options, std::uint64_t seed) : Recall(options, seed, "recall") {}
  Index vocabulary() const final { return options_.vocab; }
  Index length() const final { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const final;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const final;

 protected:
  Recall(const Options& options, std::uint64_t seed, const std::string& name)
      : options_(options), streams_(seed, name) {}

 private:
  Options options_;
  Streams streams_;
};

}  // namespace heed
