#include <fmt/format.h>

#include "core/error.h"
#include "core/register.h"
#include "variants/parts/grid.h"
#include "variants/parts/wave.h"

namespace {
using namespace heed;

// Sines and cosines of the row y and the column x of a position in an image:
//     x_p += [ PE_y , PE_x ],   each PE of C/2 channels as in `sinusoidal`.   Chen et al. 2021 (MoCo v3)
template <class S>
class Sinusoidal2d final : public Position<S> {
 public:
  struct Options {
    Index columns = 0;
    double base = 10000;
    void describe(auto& option) {
      option("columns", columns,
             {.min = 0, .max = 1 << 20, .doc = "positions in a row; 0: of the task's images"});
      option("base", base,
             {.min = 1, .doc = "the longest wave is 2 pi times this many rows or columns long"});
    }
  };

  Sinusoidal2d(const Options& options, const PositionSpec& spec, Params<S>&)
      : base_(options.base),
        grid_(grid_of(options.columns, spec, "sinusoidal_2d")),
        length_(spec.length),
        dim_(spec.dim) {
    if (dim_ % 4 != 0)
      throw Error(
          fmt::format("'sinusoidal_2d' has as many sines and cosines for rows as for columns, so 4 must "
                      "divide 'dim' ({}).",
                      dim_));
  }

  void embed(Seq<S> x, Index first) const override {
    HEED_CHECK(first + x.time <= length_ && x.dim == dim_, "a sequence does not fit the table of positions");
    if (table_.size() == 0) fill();
    for (Index b = 0; b < x.batch; ++b) x.at(b) += table_.middleRows(first, x.length(b));
  }

 private:
  void fill() const {
    const Index half = dim_ / 2;
    table_.resize(length_, dim_);
    for (Index p = 0; p < length_; ++p)
      for (Index c = 0; c < half; ++c) {
        table_(p, c) = static_cast<S>(wave(base_, grid_.row(p), c, half));
        table_(p, half + c) = static_cast<S>(wave(base_, grid_.column(p), c, half));
      }
  }

  double base_;
  Grid grid_;
  Index length_, dim_;
  mutable Matrix<S> table_;  // filled at first use: a model that is only counted needs none
};
}  // namespace

HEED_POSITION(sinusoidal_2d, Sinusoidal2d, "Sines and cosines of row and column of an image, added",
              "Chen et al. 2021 (MoCo v3)")
