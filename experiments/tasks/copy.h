#pragma once

#include "core/options.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Copying (MAD, Poli et al. 2024): M tokens, blanks, a mark. After the mark the outputs must be the M
// tokens.
class Copy : public TokenTask, public ModelTraits {
 public:
  struct Options {
    Index length = 256, vocab = 16, tokens = 16;

    void describe(auto& option) {
      option("length", length, {.min = 3, .max = kMaxLength, .doc = "tokens in a sequence"});
      option("vocab", vocab,
             {.min = 3, .max = kMaxVocabulary, .doc = "different tokens; the last two are blank and mark"});
      option("tokens", tokens, {.min = 1, .doc = "tokens to copy; at most (length - 1) / 2"});
    }
    void check(const Refuse& refuse) const;
  };

  Copy(const Options& options, std::uint64_t seed) : Copy(options, seed, "copy") {}
  Index vocabulary() const final { return options_.vocab; }
  Index length() const final { return options_.length; }
  bool suits(ModelType type) const final { return type != ModelType::encoder_decoder; }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const final;
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const final;

 protected:
  Copy(const Options& options, std::uint64_t seed, const std::string& name)
      : options_(options), streams_(seed, name) {}

 private:
  // Fills the positions before the mark with the tokens to copy, in order, and blanks.
  virtual void place(Draws& draws, std::span<const Token> copied, Token blank,
                     std::span<Token> before_mark) const;

  Options options_;
  Streams streams_;
};

}  // namespace heed
