// Variants that use their inputs wrongly: o = (1 + gate) * softmax attention, with a gate for each token and
// head.
#include <vector>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

template <class S>
struct NaiveGate {
  struct Saved {
    typename Naive<S>::Saved naive;
    Mat<S> u;  // (Tq,V) before the gate
  };

  std::vector<MixerInput> inputs(const LayerSpec<S>&) const { return {{.name = "gate", .bias = 0.5}}; }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Saved saved{naive.forward(in, o, memory), memory.keep(o.rows(), o.cols())};
    Mat<S> u = saved.u;
    u = o;
    for (Index i = 0; i < o.rows(); ++i) o.row(i) *= 1 + in.input(0)(i, 0);
    return saved;
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> du = memory.temp(d_o.rows(), d_o.cols()), dgate = grad.input(0);
    for (Index i = 0; i < d_o.rows(); ++i) {
      du.row(i) = d_o.row(i) * (1 + in.input(0)(i, 0));
      dgate(i, 0) += d_o.row(i).dot(saved.u.row(i));
    }
    naive.backward(in, saved.naive, du, grad, memory);
  }

  Naive<S> naive;
};

// Leaves out the gradient of the gate.
template <class S>
struct ForgetsTheGate : NaiveGate<S> {
  void backward(const Head<S>& in, const typename NaiveGate<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> dgate = grad.input(0), before = memory.temp(dgate.rows(), 1);
    before = dgate;
    NaiveGate<S>::backward(in, saved, d_o, grad, memory);
    dgate = before;
  }
};

// Takes the gate of the first head for all.
template <class S>
struct SharesTheGate : NaiveGate<S> {
  typename NaiveGate<S>::Saved forward(Head<S> in, Mat<S> o, Memory<S>& memory) const {
    in.index = 0;
    return NaiveGate<S>::forward(in, o, memory);
  }
};

// Takes the gate of the last token for the first.
template <class S>
struct GateOfTheFuture : NaiveGate<S> {
  typename NaiveGate<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = NaiveGate<S>::forward(in, o, memory);
    o.row(0) = saved.u.row(0) * (1 + in.input(0)(o.rows() - 1, 0));
    return saved;
  }
};

}  // namespace

TEST_CASE("broken variants: the gated reference passes every check") {
  for (const CheckResult& result : check_all(with_mixer<NaiveGate>("naive_gate"))) {
    CAPTURE(result.check, result.message);
    CHECK(result.verdict != Verdict::failed);
  }
}

TEST_CASE(
    "broken variants: the gradient check finds an input without a gradient, or with that of another head") {
  require_caught(with_mixer<ForgetsTheGate>("forgets_the_gate"), "gradient", "gate.weight");
  require_caught(with_mixer<SharesTheGate>("shares_the_gate"), "gradient", "gate.");
}

TEST_CASE("broken variants: the causality check finds a gate that is taken from the future") {
  require_caught(with_mixer<GateOfTheFuture>("gate_of_the_future"), "causality", "leak");
}
