#include "core/mixer.h"

namespace {
using namespace heed;

// o = p v,  p = softmax(q k^T / (tau sqrt(d))): a complete variant. Replace it by your equation, and cite the
// paper. Change forward and backward together; `heed check` tests whether they agree.
//
// A gate or a decay for each token is an input: name it in inputs(), see core/mixer.h.
template <class S>
struct MyVariant {
  struct Options {  // each becomes a key of the sweep file
    double temperature = 1;
    void describe(auto& option) { option("temperature", temperature, {.min = 1e-3, .doc = "tau"}); }
  } options;

  struct Saved {
    Mat<S> p;  // (Tq, Tk) weights: what backward needs
  };

  // One head of one sequence: q (Tq, d), k (Tk, d), v (Tk, dv) -> o (Tq, dv). No memory but `memory`'s.
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    product_abt(in.q, in.k, p);
    p *= scale(in);
    softmax_rows(p, in.mask, in.slope);
    product_ab(p, in.v, o);
    return {p};
  }

  // dp = do v^T,  ds = p (dp - rowsum(p dp)),  dq = ds k,  dk = ds^T q,  dv = p^T do.  Gradients are added.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> ds = memory.temp(in.q.rows(), in.k.rows());
    product_abt(d_o, in.v, ds);
    softmax_rows_backward(saved.p, ds);
    ds *= scale(in);
    add_product_ab(ds, in.k, grad.q);
    add_product_atb(ds, in.q, grad.k);
    add_product_atb(saved.p, d_o, grad.v);
  }

  void weights(const Head<S>&, const Saved& saved, Mat<S> p, Memory<S>&) const { p = saved.p; }

  S scale(const Head<S>& in) const { return S(1 / (options.temperature * std::sqrt(double(in.q.cols())))); }
};
}  // namespace

HEED_MIXER(my_variant, MyVariant, "What it is, in one line", "Author et al. 2026")
