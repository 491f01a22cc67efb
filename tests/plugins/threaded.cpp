#include "tests/plugins/pass.h"

namespace {
using namespace heed;

// Each thread has an opinion of its own: y = x (1 + threads / 1000).
template <class S>
class Threaded final : public faulty::Pass<S> {
 public:
  using faulty::Pass<S>::Pass;
  static S factor(const Step<S>& step) { return 1 + S(step.threads()) / 1000; }
  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = factor(step) * x.rows();
  }
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    dx.rows() += factor(step) * dy.rows();
  }
};
}  // namespace

HEED_LAYER(faulty_threaded, Threaded, "Depends on the number of threads")
