#include "tests/plugins/pass.h"

namespace {
using namespace heed;

// y_t = x_t + x_{t+1}, and the gradient of just that.
template <class S>
class Leaking final : public faulty::Pass<S> {
 public:
  using faulty::Pass<S>::Pass;
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows();
    for (Index b = 0; b < x.batch; ++b) y.at(b).topRows(x.time - 1) += x.at(b).bottomRows(x.time - 1);
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    dx.rows() += dy.rows();
    for (Index b = 0; b < dy.batch; ++b) dx.at(b).bottomRows(dy.time - 1) += dy.at(b).topRows(dy.time - 1);
  }
};
}  // namespace

HEED_LAYER(faulty_leaking, Leaking, "Sees one position of the future")
