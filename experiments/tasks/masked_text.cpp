#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/tasks/subwords.h"
#include "experiments/tasks/text_parts.h"

namespace heed {
namespace {

constexpr double kMasked = 0.8, kRandom = 0.1;  // of the chosen positions; the rest stay

// Masked language modeling (Devlin et al. 2019): some positions of a window are chosen. Most of them are
// hidden by the mask token, some get a random token, and all must be predicted by an encoder, which sees both
// sides.
class MaskedText final : public Task, public SubwordsTraits {
 public:
  struct Options : TextOptions {
    double share = 0.15;

    void describe(auto& option) {
      TextOptions::describe(option);
      option(
          "share", share,
          {.min = 0.001, .max = 1, .doc = "the probability that a position is chosen and must be predicted"});
    }
  };

  MaskedText(const Options& options, std::uint64_t seed)
      : share_(options.share), length_(options.length), text_(options), streams_(seed, "masked_text") {}

  // The mask token is the last one, and is never a label.
  TaskShape shape() const override {
    return token_shape(text_.vocabulary() + 1, length_, ModelType::encoder);
  }

  std::optional<Index> size(Split split) const override {
    if (split == Split::train) return std::nullopt;
    return (std::ssize(text_.part(split)) + length_ - 1) / length_;
  }

  const Subwords* subwords() const override { return text_.subwords(); }
  std::string subwords_origin() const override { return text_.subwords_origin(); }

  // Training windows start anywhere. The windows of the other parts follow each other, and the last one may
  // be shorter; their masks are always the same.
  void fill(Split split, std::uint64_t index, Example& example) const override {
    const std::span<const Token> from = text_.part(split);
    Draws draws = streams_.at(split, index);
    Index start;
    if (split == Split::train) {
      start = draws.below(std::ssize(from) - length_ + 1);
    } else {
      HEED_CHECK(index < static_cast<std::uint64_t>(*size(split)),
                 "a window after the end of the text was requested");
      start = static_cast<Index>(index) * length_;
    }
    example.input.length = std::min(length_, std::ssize(from) - start);
    for (Index t = 0; t < example.input.length; ++t) {
      const Token token = from[start + t];
      const bool is_chosen = draws.chance(share_);
      example.labels[t] = is_chosen ? token : kUnscored;
      example.input.tokens[t] = is_chosen ? hidden(draws, token) : token;
    }
  }

 private:
  Token hidden(Draws& draws, Token token) const {
    const double u = draws.uniform();
    if (u < kMasked) return static_cast<Token>(text_.vocabulary());
    return u < kMasked + kRandom ? draw_token(draws, 0, text_.vocabulary()) : token;
  }

  double share_;
  Index length_;
  TextParts text_;
  Streams streams_;
};

}  // namespace
}  // namespace heed

HEED_TASK(masked_text, heed::MaskedText,
          "Hidden bytes, characters or subwords of a text file, for an encoder", "Devlin et al. 2019")
