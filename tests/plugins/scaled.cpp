#include "tests/plugins/pass.h"

namespace {
using namespace heed;

// y = 3 x, with the gradient of y = x.
template <class S>
class Scaled final : public faulty::Pass<S> {
 public:
  using faulty::Pass<S>::Pass;
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = 3 * x.rows(); }
};
}  // namespace

HEED_LAYER(faulty_scaled, Scaled, "The gradient lacks a factor of three")
