#include "core/error.h"
#include "core/register.h"

namespace {
using namespace heed;

// Axial positions: two short learned tables replace a long one. Position t = w l + k has row k of the
// first in its first channels and row l of the second in the others:
//     x_t += [ near_{t mod w} , far_{t div w} ]
// w C/2 + (T/w) C/2 numbers in place of T C.   Kitaev et al. 2020, "Reformer", its published code
template <class S>
class Axial final : public Position<S> {
 public:
  struct Options {
    Index width = 8;
    void describe(auto& option) {
      option("width", width,
             {.min = 1, .doc = "w: rows of the first table; positions that far apart share one"});
    }
  };

  Axial(const Options& options, const PositionSpec& spec, Params<S>& params)
      : near_(params.declare("near", options.width, spec.dim / 2, Init::normal(0.02), Role::undecayed)),
        far_(params.declare("far", (spec.length + options.width - 1) / options.width, spec.dim - spec.dim / 2,
                            Init::normal(0.02), Role::undecayed)) {}

  void embed(Seq<S> x, Index first) const override {
    HEED_CHECK(first + x.time <= near_.rows() * far_.rows(),
               "a sequence is longer than the tables of positions");
    for (Index b = 0; b < x.batch; ++b)
      for (Index t = 0; t < x.length(b); ++t) {
        x.at(b).row(t).head(near_.cols()) += near_.value().row((first + t) % near_.rows());
        x.at(b).row(t).tail(far_.cols()) += far_.value().row((first + t) / near_.rows());
      }
  }

  // dnear_k = sum over the t with t mod w = k of the first channels of dx_t;  dfar likewise
  void embed_backward(Seq<const S> dx, Index first) const override {
    Mat<S> dnear = near_.grad(), dfar = far_.grad();
    for (Index b = 0; b < dx.batch; ++b)
      for (Index t = 0; t < dx.length(b); ++t) {
        dnear.row((first + t) % near_.rows()) += dx.at(b).row(t).head(near_.cols());
        dfar.row((first + t) / near_.rows()) += dx.at(b).row(t).tail(far_.cols());
      }
  }

 private:
  Param<S> near_, far_;
};
}  // namespace

HEED_POSITION(axial, Axial, "Two short learned tables: the place in a stretch and the stretch",
              "Kitaev et al. 2020 (Reformer)")
