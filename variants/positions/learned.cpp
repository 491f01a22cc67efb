#include "core/error.h"
#include "core/register.h"

namespace {
using namespace heed;

// A table of learned vectors, one per position: x_t += table_t.   Vaswani et al. 2017, 3.5; GPT-2
template <class S>
class Learned final : public Position<S> {
 public:
  using Options = NoOptions;

  // An embedding like that of the tokens: it starts the same and is not decayed.
  Learned(const Options&, const PositionSpec& spec, Params<S>& params)
      : table_(params.declare("table", spec.length, spec.dim, Init::normal(0.02), Role::undecayed)) {}

  void embed(Seq<S> x, Index first) const override {
    HEED_CHECK(first + x.time <= table_.rows(), "a sequence is longer than the table of positions");
    for (Index b = 0; b < x.batch; ++b) x.at(b) += table_.value().middleRows(first, x.length(b));
  }

  void embed_backward(Seq<const S> dx, Index first) const override {
    Mat<S> d = table_.grad();
    for (Index b = 0; b < dx.batch; ++b) d.middleRows(first, dx.length(b)) += dx.at(b);
  }

 private:
  Param<S> table_;
};
}  // namespace

HEED_POSITION(learned, Learned, "A learned vector per position, added to the embeddings",
              "Vaswani et al. 2017")
