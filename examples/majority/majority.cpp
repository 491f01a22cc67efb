#include <algorithm>
#include <array>
#include <cstddef>

#include "core/registry.h"
#include "core/rng.h"

namespace {
using namespace heed;

// Majority: which of 0 and 1 came more often so far? Ties are not scored. Attention that spreads evenly over
// the past counts; a short window cannot.   Merrill et al. 2022, "Saturated Transformers are Constant-Depth
// Threshold Circuits"
class Majority final : public TokenTask {
 public:
  struct Options {
    Index length = 32;
    double ones = 0.5;
    void describe(auto& option) {
      option("length", length, {.min = 1, .max = 1 << 24, .doc = "tokens in a sequence"});
      option("ones", ones, {.min = 0, .max = 1, .doc = "probability of a 1"});
    }
  };

  // A stream for each split: no two share a draw. A sequence depends only on seed, split and index.
  Majority(const Options& options, std::uint64_t seed)
      : options_(options),
        of_split_{Rng(seed, "majority train"), Rng(seed, "majority validation"), Rng(seed, "majority test")} {
  }

  Index vocabulary() const override { return 2; }
  Index length() const override { return options_.length; }

  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    Draws draws = of_split_[static_cast<std::size_t>(split)].at(index);
    Index lead = 0;  // of the ones
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      tokens[t] = draws.chance(options_.ones) ? 1 : 0;
      lead += tokens[t] == 1 ? 1 : -1;
      labels[t] = lead == 0 ? kUnscored : static_cast<Token>(lead > 0);
    }
  }

 private:
  Options options_;
  std::array<Rng, 3> of_split_;  // in the order of Split
};
}  // namespace

HEED_TASK(majority, Majority, "Majority: which of two tokens came more often so far", "Merrill et al. 2022")
