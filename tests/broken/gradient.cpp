#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

// Forgets that dk takes the scale, too.
template <class S>
struct ForgottenFactor : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.k *= S(std::sqrt(static_cast<double>(in.q.cols())));
  }
};

// o = p v + gain, whose gradient is left out.
template <class S>
struct ForgottenParameter : Naive<S> {
  Param<S> gain;
  void declare(const LayerSpec<S>&, Params<S>& params) {
    gain = params.declare("gain", 1, 1, Init::ones(), Role::undecayed);
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += gain.value()(0, 0);
    return saved;
  }
};

// Adds a staircase: its gradient is right away from the steps, so that only their number tells.
template <class S>
struct Staircase : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += S(1e-3) * std::floor(S(200) * in.q.sum());
    return saved;
  }
};

}  // namespace

TEST_CASE("the gradient check names the coordinate of a wrong gradient") {
  require_caught(with_mixer<ForgottenFactor>("forgotten_factor"), "gradient", "key.weight[");
  require_caught(with_mixer<ForgottenFactor>("forgotten_factor"), "gradient", "ratio 2.44949");
}

TEST_CASE("the gradient check finds a parameter without gradient") {
  require_caught(with_mixer<ForgottenParameter>("forgotten_parameter"), "gradient", "gain[0,0]: analytic 0,");
}

TEST_CASE("the gradient check does not take kinks for an excuse") {
  require_caught(with_mixer<Staircase>("staircase"), "gradient", "stand at a kink");
}
