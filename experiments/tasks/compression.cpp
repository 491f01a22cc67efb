#include <algorithm>

#include "core/options.h"
#include "core/registry.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {
namespace {

// Compression (MAD, Poli et al. 2024): random tokens and a compression token at the end. All tokens must be
// reproduced from the output at the last position, so it must contain the whole sequence.
class Compression final : public TokenTask, public FromLastTraits {
 public:
  struct Options {
    Index length = 32, vocab = 16;

    void describe(auto& option) {
      option("length", length, {.min = 2, .max = kMaxLength, .doc = "tokens in a sequence"});
      option("vocab", vocab,
             {.min = 2,
              .max = kMaxVocabulary,
              .doc = "different tokens; the last one is the compression token"});
    }
  };

  Compression(const Options& options, std::uint64_t seed)
      : options_(options), streams_(seed, "compression") {}
  Index vocabulary() const override { return options_.vocab; }
  Index length() const override { return options_.length; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    Draws draws = streams_.at(split, index);
    for (Token& t : tokens.first(tokens.size() - 1)) t = draw_token(draws, 0, options_.vocab - 1);
    tokens.back() = static_cast<Token>(options_.vocab - 1);
    std::ranges::copy(tokens, labels.begin());
    labels.back() = kUnscored;
  }

 private:
  Options options_;
  Streams streams_;
};

}  // namespace
}  // namespace heed

HEED_TASK(compression, heed::Compression, "Compression: all tokens from the output at the last position",
          "Poli et al. 2024 (MAD)")
