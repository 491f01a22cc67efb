#include <cmath>
#include <vector>

#include "core/mixer.h"
#include "core/ops/product.h"

namespace {
using namespace heed;

// Gated attention: o = a * u,   u = softmax(q k^T / sqrt(d)) v,   a = sigmoid(W x), one gate for each
// channel. Several query heads may read one head of keys and values. Qiu et al. 2025, "Gated Attention for
// Large Language Models"; Ainslie et al. 2023, "GQA"
template <class S>
struct Gated {
  struct Options {
    Index key_heads = 0;
    void describe(auto& option) {
      option("key_heads", key_heads,
             {.min = 0, .doc = "heads of keys and values; must divide heads; 0: as many"});
    }
  } options;

  // heed gives heads h = 0 .. heads - 1 the keys and values of head h / (heads / key_heads), and adds up what
  // they put into the gradients.
  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {.heads = spec.heads, .key = width, .value = width, .key_heads = options.key_heads};
  }

  // heed projects "gate" from x, as it does queries: in.input(0) is (Tq, width) for each head.
  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    return {{.name = "gate", .width = spec.dim / spec.heads, .side = Side::query}};
  }

  struct Saved {
    Mat<S> p, u, a;  // weights (Tq,Tk), output before the gate (Tq,V), gate (Tq,V)
  };

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Saved saved{memory.keep(in.q.rows(), in.k.rows()), memory.keep(o.rows(), o.cols()),
                memory.keep(o.rows(), o.cols())};
    product_abt(in.q, in.k, saved.p);
    saved.p *= scale(in);
    softmax_rows(saved.p, in.mask, in.slope);
    product_ab(saved.p, in.v, saved.u);
    saved.a.array() = (1 + (-in.input(0).array()).exp()).inverse();
    o.array() = saved.a.array() * saved.u.array();
    return saved;
  }

  // du = a * do,   dgate = u * do * a (1 - a);   then softmax attention with du
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    grad.input(0).array() += saved.u.array() * d_o.array() * saved.a.array() * (1 - saved.a.array());
    Mat<S> du = memory.temp(d_o.rows(), d_o.cols()), ds = memory.temp(in.q.rows(), in.k.rows());
    du.array() = saved.a.array() * d_o.array();
    product_abt(du, in.v, ds);
    softmax_rows_backward(saved.p, ds);
    ds *= scale(in);
    add_product_ab(ds, in.k, grad.q);
    add_product_atb(ds, in.q, grad.k);
    add_product_atb(saved.p, du, grad.v);
  }

  void weights(const Head<S>&, const Saved& saved, Mat<S> p, Memory<S>&) const { p = saved.p; }

  S scale(const Head<S>& in) const { return S(1 / std::sqrt(double(in.q.cols()))); }
};
}  // namespace

HEED_MIXER(gated, Gated, "Softmax attention with a gate on each head's output, and shared keys and values",
           "Qiu et al. 2025")
