#include "core/registry.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {
namespace {

// Random bits. The output at each position must be the parity of all bits so far, so the model must keep one
// bit of state over the whole sequence.
class Parity final : public TokenTask, public ModelTraits {
 public:
  struct Options {
    Index length = 32;

    void describe(auto& option) {
      option("length", length, {.min = 1, .max = kMaxLength, .doc = "bits in a sequence"});
    }
  };

  Parity(const Options& options, std::uint64_t seed) : options_(options), streams_(seed, "parity") {}
  Index vocabulary() const override { return 2; }
  Index length() const override { return options_.length; }
  bool suits(ModelType type) const override { return type != ModelType::encoder_decoder; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    Draws draws = streams_.at(split, index);
    Token parity = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      tokens[t] = draw_token(draws, 0, 2);
      labels[t] = parity ^= tokens[t];
    }
  }

 private:
  Options options_;
  Streams streams_;
};

}  // namespace
}  // namespace heed

HEED_TASK(parity, heed::Parity, "State tracking: the parity of the bits so far",
          "Hahn 2020; Grazzi et al. 2025")
