#include "experiments/sweep/halton.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <boost/math/special_functions/prime.hpp>

#include "core/error.h"

namespace heed {

Coordinate halton(const Rng& scramble, std::size_t dimension, std::uint64_t t) {
  HEED_CHECK(dimension < kHaltonDimensions, "a Halton sequence has too many dimensions");
  const std::uint64_t base = boost::math::prime(static_cast<unsigned>(dimension));
  double u = 0, unit = 1;
  // The places behind the last digit of t are zeros; they are permuted, too, as far as a double resolves.
  for (std::uint64_t place = 0; unit > 0x1p-53; ++place, t /= base) {
    const std::vector<std::ptrdiff_t> permuted =
        scramble.at(place).sample(static_cast<std::ptrdiff_t>(base), static_cast<std::ptrdiff_t>(base));
    unit /= static_cast<double>(base);
    u += static_cast<double>(permuted[t % base]) * unit;
  }
  return Coordinate(std::min(u, 1 - 0x1p-53));  // the sum may have been rounded up to 1
}

}  // namespace heed
