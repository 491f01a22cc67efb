#include "core/orders.h"

#include <numeric>
#include <utility>

namespace heed {

// Fisher & Yates; Knuth, The Art of Computer Programming 2, 3.4.2, algorithm P
void Orders::draw(std::uint64_t place, double share, std::span<Token> order) const {
  std::iota(order.begin(), order.end(), 0);
  Draws draws = rng_.at(place);
  if (!draws.chance(share)) return;
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1],
              order[static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(left)))]);
}

}  // namespace heed
