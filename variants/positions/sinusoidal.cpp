#include "core/error.h"
#include "core/register.h"
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
      : base_(options.base), length_(spec.length), dim_(spec.dim) {}

  void embed(Seq<S> x, Index first) const override {
    HEED_CHECK(first + x.time <= length_ && x.dim == dim_, "a sequence does not fit the table of positions");
    if (table_.size() == 0) fill();
    for (Index b = 0; b < x.batch; ++b) x.at(b) += table_.middleRows(first, x.length(b));
  }

 private:
  void fill() const {
    table_.resize(length_, dim_);
    for (Index p = 0; p < length_; ++p)
      for (Index c = 0; c < dim_; ++c) table_(p, c) = static_cast<S>(wave(base_, p, c, dim_));
  }

  double base_;
  Index length_, dim_;
  mutable Matrix<S> table_;  // filled at first use: a model that is only counted needs none
};
}  // namespace

HEED_POSITION(sinusoidal, Sinusoidal, "Sines and cosines of the position, added to the embeddings",
              "Vaswani et al. 2017")
