#pragma once

#include "experiments/tasks/copy.h"

namespace heed {

// Selective copying (MAD, Poli et al. 2024): as Copy, but with the blanks scattered among the tokens.
class SelectiveCopy final : public Copy {
 public:
  SelectiveCopy(const Options& options, std::uint64_t seed) : Copy(options, seed, "selective_copy") {}

 private:
  void place(Draws& draws, std::span<const Token> copied, Token blank,
             std::span<Token> before_mark) const override;
};

}  // namespace heed
