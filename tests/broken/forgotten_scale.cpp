// A plugin with a fault, for `heed check` to find: backward forgets that dk takes the scale, too.
#include <cmath>

#include "core/register.h"
#include "tests/broken/naive.h"

namespace {

template <class S>
struct ForgottenScale : heed::broken::Naive<S> {
  void backward(const heed::Head<S>& in, const typename heed::broken::Naive<S>::Saved& saved, heed::In<S> d_o,
                heed::HeadGrad<S>& grad, heed::Memory<S>& memory) const {
    heed::broken::Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.k *= S(std::sqrt(static_cast<double>(in.q.cols())));
  }
};

}  // namespace

HEED_MIXER(forgotten_scale, ForgottenScale, "Deliberately wrong")
