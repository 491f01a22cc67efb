#include <algorithm>
#include <vector>

#include "core/options.h"
#include "core/registry.h"
#include "experiments/tasks/streams.h"

namespace heed {
namespace {

// Memorization (MAD, Poli et al. 2024): the value of a key is the same in all sequences of all splits, and is
// in none of them. So a model must keep it in its weights. Tokens: keys 0 .. n-1, values n .. 2n-1, and the
// insert token V-1, whose label is the value of the key before it.
class Memorization final : public TokenTask {
 public:
  struct Options {
    Index length = 32, vocab = 256;

    void describe(auto& option) {
      option("length", length, {.min = 2, .max = kMaxLength, .doc = "tokens in a sequence; even"});
      option("vocab", vocab,
             {.min = 3, .max = kMaxVocabulary, .doc = "different tokens: keys, values and the insert token"});
    }
    void check(const Refuse& refuse) const {
      if (length % 2 != 0)
        refuse("length",
               std::to_string(length) + " is odd; it must be even, because a sequence consists of pairs");
    }
  };

  Memorization(const Options& options, std::uint64_t seed)
      : options_(options), streams_(seed, "memorization") {
    // Not one of the splits' streams: all splits share the values on purpose.
    const Index keys = (options.vocab - 1) / 2;
    for (const Index value : Rng(seed, "memorization values").at(0).sample(keys, keys))
      values_.push_back(static_cast<Token>(keys + value));
  }
  Index vocabulary() const override { return options_.vocab; }
  Index length() const override { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    Draws draws = streams_.at(split, index);
    for (std::size_t t = 0; t < tokens.size(); t += 2) {
      tokens[t] = draw_token(draws, 0, std::ssize(values_));
      labels[t] = kUnscored;
      tokens[t + 1] = static_cast<Token>(options_.vocab - 1);
      labels[t + 1] = values_[static_cast<std::size_t>(tokens[t])];
    }
  }

 private:
  Options options_;
  Streams streams_;
  std::vector<Token> values_;  // of key 0, 1, ...
};

}  // namespace
}  // namespace heed

HEED_TASK(memorization, heed::Memorization, "Recall from the weights: the value of a key, never shown",
          "Poli et al. 2024 (MAD)")
