#include "core/register.h"
#include "variants/parts/position_table.h"
#include "variants/parts/wave.h"

namespace {
using namespace heed;

// x_p += PE_p,  PE[p, 2i] = sin(p base^{-2i/C}),  PE[p, 2i+1] = cos(the same).   Vaswani et al. 2017, 3.5
template <class S>
class Sinusoidal final : public Position<S> {
 public:
  struct Options {
    double base = 10000;
    void describe(auto& option) {
      option("base", base, {.min = 1, .doc = "the longest wave is 2 pi times this many positions long"});
    }
  };

  Sinusoidal(const Options& options, const PositionSpec& spec, Params<S>&)
      : table_([base = options.base, dim = spec.dim](
                   Index position, Index channel) { return wave(base, position, channel, dim); },
               spec.length, spec.dim) {}

  void embed(Seq<S> x, Index first) const override { table_.add(x, first); }

 private:
  PositionTable<S> table_;
};
}  // namespace

HEED_POSITION(sinusoidal, Sinusoidal, "Sines and cosines of the position, added to the embeddings",
              "Vaswani et al. 2017")
