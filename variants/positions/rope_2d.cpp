#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/register.h"
#include "variants/parts/grid.h"
#include "variants/parts/rotation.h"

namespace {
using namespace heed;

// Rotary positions of an image (axial RoPE): the first half of a map's pairs of channels rotates by the row y
// of a position, the other half by its column x, by the angles
//     y base^{-2i/n}  and  x base^{-2i/n},   i = 0 .. n/2 - 1,   for n pairs,
// so that q . k depends only on the distances in both directions.   Heo et al. 2024
template <class S>
class Rope2d final : public Position<S> {
 public:
  struct Options : GridOptions {
    Options() { base = 100; }  // rows and columns are few
  };

  static PositionTraits traits(const Options& options) { return options.traits(); }

  Rope2d(const Options& options, const PositionSpec& spec, Params<S>&)
      : rotation_(
            [grid = grid_of(options, spec, "rope_2d"), base = options.base](Index position, Index pair,
                                                                            Index pairs) {
              const Index half = pairs / 2;
              const bool is_row = pair < half;
              const double share =
                  static_cast<double>(is_row ? pair : pair - half) / static_cast<double>(half);
              const Index place = is_row ? grid.row(position) : grid.column(position);
              return static_cast<double>(place) * std::pow(base, -share);
            },
            spec.length, false) {}

  void require_width(Index channels) const override { pairs_of(channels); }
  void rotate(Heads<S> q, Index first) const override { rotation_.rotate(q, pairs_of(q.dim), first, S(1)); }
  void rotate_backward(Heads<S> dq, Index first) const override {
    rotation_.rotate(dq, pairs_of(dq.dim), first, S(-1));
  }

 private:
  static Index pairs_of(Index channels) {
    if (channels % 4 != 0)
      throw Error(
          fmt::format("'rope_2d' rotates as many pairs of channels by the row as by the column, so 4 must "
                      "divide the {} channels of a head: change 'dim' or 'heads'.",
                      channels));
    return channels / 2;
  }

  Rotation<S> rotation_;
};
}  // namespace

HEED_POSITION(rope_2d, Rope2d, "Rotary in two dimensions (axial): by row and column of an image",
              "Heo et al. 2024")
