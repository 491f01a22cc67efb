#include <algorithm>
#include <cmath>

#include "core/ops/activation.h"
#include "core/ops/linear.h"
#include "core/register.h"

namespace {
using namespace heed;

// Gated feed-forward: y = (silu(x W_gate) * (x W_up)) W_down, for each position separately.   Shazeer 2020,
// eq. 6
template <class S>
class SwiGlu final : public Layer<S> {
 public:
  struct Options {
    Index width = 0;
    void describe(auto& option) {
      option("width", width,
             {.min = 0,
              .size = true,
              .doc = "hidden channels; 0: 8/3 of the model's width, to the nearest multiple of 8"});
    }
  };

  SwiGlu(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : width_(options.width > 0 ? options.width : default_width(spec.dim)),
        gate_("gate", spec.dim, width_, spec.bias, 0.02, params),
        up_("up", spec.dim, width_, spec.bias, 0.02, params),
        down_("down", width_, spec.dim, spec.bias, 0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers)),
              params) {}

  static Traits traits(const Options&) { return {.cross = false, .mixes_time = false}; }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    Memory<S> memory = step.memory();
    g_ = memory.keep(x, width_);
    u_ = memory.keep(x, width_);
    const Seq<S> h = memory.keep(x, width_);  // down_ reads it again in backward
    gate_.forward(step, x, g_);
    up_.forward(step, x, u_);
    swiglu<S>(step, g_, u_, h);
    down_.forward(step, h, y);
  }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dh = memory.temp(g_, g_.dim);
    const Seq<S> dg = memory.temp(g_, g_.dim);
    const Seq<S> du = memory.temp(g_, g_.dim);
    dh.rows().setZero();
    down_.backward(step, dy, dh);
    swiglu_backward<S>(step, g_, u_, dh, dg, du);
    gate_.backward(step, dg, dx);
    up_.backward(step, du, dx);
  }

  Cost cost(Index tq, Index) const override { return {gate_.flops(tq) + up_.flops(tq) + down_.flops(tq), 0}; }
  std::unique_ptr<LayerDecoder<S>> decoder(Index, Index) override {
    return std::make_unique<PositionwiseDecoder<S>>(*this);
  }

 private:
  // Three matrices of width 8d/3 have as many parameters as two of width 4d.
  static Index default_width(Index dim) { return std::max<Index>(8, (8 * dim / 3 + 4) / 8 * 8); }

  Index width_;
  Linear<S> gate_, up_, down_;
  Seq<S> g_, u_;  // of the latest forward
};
}  // namespace

HEED_LAYER(swiglu, SwiGlu, "Gated: three linear maps and a SiLU", "Shazeer 2020")
