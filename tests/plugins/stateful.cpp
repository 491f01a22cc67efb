#include "tests/plugins/pass.h"

namespace {
using namespace heed;

// Carries the last position of a sequence into the next one.
template <class S>
class Stateful final : public faulty::Pass<S> {
 public:
  using faulty::Pass<S>::Pass;
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows();
    for (Index b = 1; b < x.batch; ++b) y.at(b).row(0) += x.at(b - 1).row(x.time - 1);
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    dx.rows() += dy.rows();
    for (Index b = 1; b < dy.batch; ++b) dx.at(b - 1).row(dy.time - 1) += dy.at(b).row(0);
  }
};
}  // namespace

HEED_LAYER(faulty_stateful, Stateful, "Carries state from one sequence to the next")
