#include "tests/broken/caught.h"

using namespace heed;
using namespace heed::broken;

namespace {

// y = x + the mean of the context, and, where the context is x itself, what `Wrong` makes of it.
template <class S, class Wrong>
class AddsTheMean final : public Layer<S> {
 public:
  using Options = NoOptions;
  AddsTheMean(const Options&, const LayerSpec<S>& spec, Params<S>&) {
    if (spec.context_dim != spec.dim)
      throw Error("the mean of the context is added to x: both need one width");
  }
  static Traits traits(const Options&) { return {.causal = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
    time_ = context.time;
    const S factor = x.data == context.data ? S(Wrong::forward) : S(1);
    for (Index b = 0; b < x.batch; ++b) y.at(b) = x.at(b).rowwise() + factor * context.at(b).colwise().mean();
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) override {
    const S factor = (dx.data == dcontext.data ? S(Wrong::backward) : S(1)) / static_cast<S>(time_);
    dx.rows() += dy.rows();
    for (Index b = 0; b < dy.batch; ++b) dcontext.at(b).rowwise() += factor * dy.at(b).colwise().sum();
  }
  Cost cost(Index, Index) const override { return {}; }

 private:
  Index time_ = 0;
};

struct TwiceOfItself {
  static constexpr double forward = 2, backward = 2;
};
struct ForgetsItself {
  static constexpr double forward = 1, backward = 0;
};

template <class S>
using WeighsItself = AddsTheMean<S, TwiceOfItself>;
template <class S>
using LearnsNotOfItself = AddsTheMean<S, ForgetsItself>;

}  // namespace

TEST_CASE("context check: finds a layer that computes something else on itself") {
  require_caught(with_layer<WeighsItself>("weighs_itself"), "context",
                 "a copy of x as the context gives another output than x itself");
}

TEST_CASE("context check: finds gradients that do not add up") {
  require_caught(with_layer<LearnsNotOfItself>("learns_not_of_itself"), "context",
                 "the gradients of x and of a copy of x as the context do not add up");
}
