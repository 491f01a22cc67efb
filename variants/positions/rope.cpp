#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/register.h"

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

  Rope(const Options& options, const PositionSpec& spec, Params<S>&) : options_(options), spec_(spec) {}

  void require_width(Index channels) const override { rotary_dims(channels); }
  void rotate(Heads<S> q, Index first) const override { rotate_pairs(q, first, S(1)); }
  void rotate_backward(Heads<S> dq, Index first) const override { rotate_pairs(dq, first, S(-1)); }

 private:
  // The angles of positions first .. first + cos.rows() - 1, one column per pair.
  struct Table {
    Index dims = 0, first = 0;
    Matrix<S> cos, sin;
  };

  Index rotary_dims(Index channels) const {
    // A value above an integer only by rounding means that integer.
    const auto dims = static_cast<Index>(options_.fraction * static_cast<double>(channels) + 1e-9);
    if (dims < 2 || dims % 2 != 0)
      throw Error(
          fmt::format("rotary positions turn pairs of channels, but {} of a head's {} channels "
                      "(fraction {}) is not an even number: change 'dim', 'heads' or 'fraction'.",
                      dims, channels, options_.fraction));
    return dims;
  }

  void rotate_pairs(Heads<S> x, Index first, S direction) const {
    const Table& table = angles(rotary_dims(x.dim), first, x.time);
    const Index pairs = table.dims / 2;
    const bool half = options_.layout == "half";
    const Index next = half ? 1 : 2, apart = half ? pairs : 1;
    for (Index b = 0; b < x.batch; ++b)
      for (Index t = 0; t < x.length(b); ++t) {
        const S* cos = table.cos.row(first - table.first + t).data();
        const S* sin = table.sin.row(first - table.first + t).data();
        for (Index h = 0; h < x.heads; ++h) {
          S* row = x(b, h).row(t).data();
          for (Index i = 0; i < pairs; ++i) {
            S& a = row[i * next];
            S& c = row[i * next + apart];
            const S turned = a * cos[i] - direction * c * sin[i];
            c = direction * a * sin[i] + c * cos[i];
            a = turned;
          }
        }
      }
  }

  // Layers may differ in the width of their maps: one table for each width. Filled at first use (a model
  // that is only counted needs none), and again for positions outside it.
  const Table& angles(Index dims, Index first, Index time) const {
    auto at = std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.dims == dims; });
    if (at == tables_.end()) at = tables_.insert(at, Table{dims, 0, {}, {}});
    if (first < at->first || first + time > at->first + at->cos.rows()) fill(*at, first, first + time);
    return *at;
  }

  void fill(Table& table, Index from, Index to) const {
    from = std::min(from, table.first);
    to = std::max({to, table.first + table.cos.rows(), spec_.length});
    table.first = from;
    table.cos.resize(to - from, table.dims / 2);
    table.sin.resize(to - from, table.dims / 2);
    for (Index i = 0; i < table.dims / 2; ++i) {
      const double share = 2 * static_cast<double>(i) / static_cast<double>(table.dims);
      const double frequency = std::pow(options_.base, -share);
      for (Index p = from; p < to; ++p) {
        table.cos(p - from, i) = static_cast<S>(std::cos(static_cast<double>(p) * frequency));
        table.sin(p - from, i) = static_cast<S>(std::sin(static_cast<double>(p) * frequency));
      }
    }
  }

  Options options_;
  PositionSpec spec_;
  mutable std::vector<Table> tables_;
};
}  // namespace

HEED_POSITION(rope, Rope, "Rotary: queries and keys are rotated by their position", "Su et al. 2021")
