#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

// Every query sees one key too many.
template <class S>
struct OffByOne : Naive<S> {
  static Head<S> shifted(Head<S> in) {
    in.mask.offset += 1;
    return in;
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    return Naive<S>::forward(shifted(in), o, memory);
  }
};

// No query is hidden anything from.
template <class S>
struct SeesAll : Naive<S> {
  typename Naive<S>::Saved forward(Head<S> in, Mat<S> o, Memory<S>& memory) const {
    in.mask.causal = false;
    return Naive<S>::forward(in, o, memory);
  }
};

// The outputs are right; the gradient of a hidden pair is next to nothing instead of nothing.
template <class S>
struct LeakyBackward : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.v.array() += S(1e-12) * d_o.sum();
  }
};

// Shares a sum over all positions, as a norm over time would.
template <class S>
class MeanOverTime final : public Layer<S> {
 public:
  using Options = NoOptions;
  MeanOverTime(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    for (Index b = 0; b < x.batch; ++b) y.at(b) = x.at(b).rowwise() - x.at(b).colwise().mean();
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    for (Index b = 0; b < dy.batch; ++b) dx.at(b) += dy.at(b).rowwise() - dy.at(b).colwise().mean();
  }
  Cost cost(Index, Index) const override { return {}; }
};

}  // namespace

TEST_CASE("causality check: names the first position that leaks") {
  require_caught(with_mixer<OffByOne>("off_by_one"), "causality",
                 "position 1 leaks: changing it changes the output at position 0");
}

TEST_CASE("causality check: distinguishes a mask that is off by one from a missing mask") {
  require_caught(with_mixer<OffByOne>("off_by_one"), "causality", "the mask hides too late");
  require_caught(with_mixer<SeesAll>("sees_all"), "causality", "nothing is hidden");
  require_caught(with_mixer<LeakyBackward>("leaky_backward"), "causality",
                 "backward uses positions that forward hides");
}

TEST_CASE("causality check: wants gradients of exactly zero") {
  require_caught(with_mixer<LeakyBackward>("leaky_backward"), "causality",
                 "position 1 leaks: a loss on the output at position 0 gives it a gradient of");
}

TEST_CASE("heed check: positions of a feed-forward must not mix") {
  require_caught(with_layer<MeanOverTime>("mean_over_time"), "positions apart",
                 "position 0 leaks: changing it changes the output at position 1");
}
