#include <fmt/format.h>

#include <cmath>
#include <string>

#include "core/error.h"
#include "core/register.h"
#include "variants/parts/rotation.h"

namespace {
using namespace heed;

// Rotary positions: at position p, channel pair i of q and k is rotated by the angle p base^{-2i/R},
//     (a, b) -> (a cos - b sin, a sin + b cos),
// so that q_p . k_s depends on p - s alone.   Su et al. 2021, eq. 15 and 34
//
// R is the number of rotated channels, the first ones of each map; the others do not change. Pairs are (2i,
// 2i + 1) (interleaved, as in the paper) or (i, i + R/2) (half, as in GPT-NeoX): the same up to a fixed
// permutation of channels, but not interchangeable with trained weights.
template <class S>
class Rope final : public Position<S> {
 public:
  struct Options {
    double base = 10000;
    std::string layout = "interleaved";
    double fraction = 1;
    void describe(auto& option) {
      option("base", base,
             {.min = 1, .doc = "the slowest pair rotates once in 2 pi times this many positions"});
      option("layout", layout,
             {.choices = {"interleaved", "half"},
              .doc = "channels of a pair: neighbors, or half of the channels apart"});
      option("fraction", fraction,
             {.min = 0.001,
              .max = 1,
              .doc = "fraction of each map's channels that are rotated, the first ones"});
    }
  };

  Rope(const Options& options, const PositionSpec& spec, Params<S>&)
      : fraction_(options.fraction),
        rotation_(
            [base = options.base](Index position, Index pair, Index pairs) {
              const double share = static_cast<double>(pair) / static_cast<double>(pairs);
              return static_cast<double>(position) * std::pow(base, -share);
            },
            spec.length, options.layout == "half") {}

  void require_width(Index channels) const override { rotated_pairs(channels); }
  void rotate(Heads<S> q, Index first) const override {
    rotation_.rotate(q, rotated_pairs(q.dim), first, S(1));
  }
  void rotate_backward(Heads<S> dq, Index first) const override {
    rotation_.rotate(dq, rotated_pairs(dq.dim), first, S(-1));
  }

 private:
  Index rotated_pairs(Index channels) const {
    // A value above an integer only by rounding means that integer.
    const auto dims = static_cast<Index>(fraction_ * static_cast<double>(channels) + 1e-9);
    if (dims < 2 || dims % 2 != 0)
      throw Error(
          fmt::format("rotary positions rotate pairs of channels, but {} of a head's {} channels "
                      "(fraction {}) is not an even number: change 'dim', 'heads' or 'fraction'.",
                      dims, channels, fraction_));
    return dims / 2;
  }

  double fraction_;
  Rotation<S> rotation_;
};
}  // namespace

HEED_POSITION(rope, Rope, "Rotary: queries and keys are rotated by their position", "Su et al. 2021")
