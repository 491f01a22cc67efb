#include <bit>
#include <cmath>

#include "core/register.h"

namespace {
using namespace heed;

// Scores decrease with distance: -slope_h |i - j| is added.   Press et al. 2022, section 3
//
// For H = 2^n heads the slopes are 2^{-8(h+1)/H}. Otherwise those of the next lower power of two P come
// first, then every other slope, from the first on, of the series for 2P.
template <class S>
class Alibi final : public Position<S> {
 public:
  using Options = NoOptions;
  Alibi(const Options&, const PositionSpec&, Params<S>&) {}

  double slope(Index head, Index heads) const override {
    const auto p = static_cast<Index>(std::bit_floor(static_cast<std::size_t>(heads)));
    return head < p ? series(head, p) : series(2 * (head - p), 2 * p);
  }

 private:
  static double series(Index i, Index n) {
    return std::exp2(-8 * static_cast<double>(i + 1) / static_cast<double>(n));
  }
};
}  // namespace

HEED_POSITION(alibi, Alibi, "Scores decrease linearly with distance, with a slope per head",
              "Press et al. 2022")
