#include <cmath>

#include "core/ops/linear.h"
#include "core/register.h"

namespace {
using namespace heed;

// Feed-forward with a squared ReLU: y = max(0, x W1 + b1)^2 W2 + b2, each position by itself.
// So et al. 2021, "Primer: Searching for efficient Transformers for language modeling", section 4
template <class S>
class Relu2 final : public Layer<S> {
 public:
  struct Options {
    Index width = 0;
    void describe(auto& option) {
      option("width", width, {.min = 0, .doc = "hidden channels; 0: four times the model's width"});
    }
  };

  Relu2(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : width_(options.width > 0 ? options.width : 4 * spec.dim),
        in_("in", spec.dim, width_, spec.bias, 0.02, params),
        out_("out", width_, spec.dim, spec.bias, 0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers)),
             params) {}

  // A feed-forward: it attends to no other sequence and takes each position by itself.
  static Traits traits(const Options&) { return {.cross = false, .mixes_time = false}; }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    Memory<S> memory = step.memory();
    r_ = memory.keep(x, width_);
    const Seq<S> a = memory.keep(x, width_);  // out_ reads it again in backward
    in_.forward(step, x, r_);
    r_.rows() = r_.rows().cwiseMax(S(0));
    a.rows() = r_.rows().cwiseAbs2();
    out_.forward(step, a, y);
  }

  // a = r^2, r = max(0, h):  dh = 2 r da, where a negative h has r = 0
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dh = memory.temp(r_, width_);
    dh.rows().setZero();
    out_.backward(step, dy, dh);
    dh.rows().array() *= 2 * r_.rows().array();
    in_.backward(step, dh, dx);
  }

  Cost cost(Index tq, Index) const override { return {in_.flops(tq) + out_.flops(tq), 0}; }

 private:
  Index width_;
  Linear<S> in_, out_;
  Seq<S> r_;  // max(0, h) of the latest forward
};
}  // namespace

HEED_LAYER(relu2, Relu2, "Feed-forward of two linear maps with a squared ReLU between",
           "So et al. 2021 (Primer)")
