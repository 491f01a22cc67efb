#include "experiments/sweep/combinations.h"

namespace heed {

std::optional<std::vector<std::vector<std::size_t>>> combinations(const std::vector<std::size_t>& sizes,
                                                                  std::size_t most) {
  std::size_t count = 1;
  for (const std::size_t size : sizes) {
    if (size > 0 && count > most / size)
      return std::nullopt;  // a division, because count * size may overflow
    count *= size;
  }
  std::vector<std::vector<std::size_t>> all(count, std::vector<std::size_t>(sizes.size()));
  for (std::size_t n = 0; n < count; ++n) {
    std::size_t rest = n;
    for (std::size_t i = sizes.size(); i-- > 0; rest /= sizes[i]) all[n][i] = rest % sizes[i];
  }
  return all;
}

}  // namespace heed
