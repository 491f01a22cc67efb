#include <fmt/format.h>

#include "core/error.h"
#include "core/register.h"
#include "variants/parts/grid.h"
#include "variants/parts/position_table.h"
#include "variants/parts/wave.h"

namespace {
using namespace heed;

// Sines and cosines of the row y and the column x of a position in an image:
//     x_p += [ PE_y , PE_x ],   each PE of C/2 channels as in `sinusoidal`.   Chen et al. 2021 (MoCo v3)
template <class S>
class Sinusoidal2d final : public Position<S> {
 public:
  using Options = GridOptions;

  static PositionTraits traits(const Options& options) { return options.traits(); }

  Sinusoidal2d(const Options& options, const PositionSpec& spec, Params<S>&)
      : table_(
            [grid = grid_of(options, spec, "sinusoidal_2d"), base = options.base, half = spec.dim / 2](
                Index position, Index channel) {
              const bool is_row = channel < half;
              const Index place = is_row ? grid.row(position) : grid.column(position);
              return wave(base, place, is_row ? channel : channel - half, half);
            },
            spec.length, spec.dim) {
    if (spec.dim % 4 != 0)
      throw Error(
          fmt::format("'sinusoidal_2d' has as many sines and cosines for rows as for columns, so 4 must "
                      "divide 'dim' ({}).",
                      spec.dim));
  }

  void embed(Seq<S> x, Index first) const override { table_.add(x, first); }

 private:
  PositionTable<S> table_;
};
}  // namespace

HEED_POSITION(sinusoidal_2d, Sinusoidal2d, "Sines and cosines of row and column of an image, added",
              "Chen et al. 2021 (MoCo v3)")
