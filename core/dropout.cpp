#include "core/dropout.h"

#include <Random123/philox.h>
#include <xxhash.h>

#include <cmath>

namespace heed {

DropoutMask::DropoutMask(const DropoutStep& step, std::string_view name, Index plane)
    : key_{step.seed, XXH64(name.data(), name.size(), 0)},
      training_step_(step.training_step),
      plane_(static_cast<std::uint64_t>(plane)),
      threshold_(static_cast<std::uint64_t>(std::lround(step.p * 0x1p32))),
      scale_(1 / (1 - step.p)) {}

unsigned DropoutMask::draw(Index i, Index block) const {
  const r123::Philox4x64 philox;
  const auto words =
      philox({{static_cast<std::uint64_t>(block), static_cast<std::uint64_t>(i), training_step_, plane_}},
             {{key_[0], key_[1]}});
  unsigned kept = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    const std::uint64_t draw = words[bit / 2] >> (32 * (bit % 2)) & 0xffffffff;
    kept |= static_cast<unsigned>(draw >= threshold_) << bit;
  }
  return kept;
}

}  // namespace heed
