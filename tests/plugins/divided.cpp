// A task that declares which of its options divides the data.
#include <algorithm>

#include "core/registry.h"

namespace {
using namespace heed;

// Repeats the number of a sequence, 0 .. 15: the last `held_out` are for the test, the others for training.
class Divided final : public TokenTask {
 public:
  struct Options {
    Index length = 8, held_out = 4;
    void describe(auto& option) {
      option("length", length, {.min = 1, .max = 1 << 24, .doc = "tokens in a sequence"});
      option("held_out", held_out, {.min = 1, .max = 15, .divides = true, .doc = "numbers for the test"});
    }
  };
  Divided(const Options& options, std::uint64_t) : options_(options) {}

  Index vocabulary() const override { return 16; }
  Index length() const override { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    const Index first = split == Split::train ? 0 : 16 - options_.held_out;
    const Index count = split == Split::train ? 16 - options_.held_out : options_.held_out;
    const auto number =
        static_cast<Token>(first + static_cast<Index>(index % static_cast<std::uint64_t>(count)));
    std::ranges::fill(tokens, number);
    std::ranges::fill(labels, number);
  }

 private:
  Options options_;
};
}  // namespace

HEED_TASK(divided, Divided, "A number again and again", "")
