#include "tests/plugins/pass.h"

namespace {
using namespace heed;

// Writes the number behind its output.
template <class S>
class Outside final : public faulty::Pass<S> {
 public:
  using faulty::Pass<S>::Pass;
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows();
    y.data[y.size()] = 7;
  }
};
}  // namespace

HEED_LAYER(faulty_outside, Outside, "Writes outside of its view")
