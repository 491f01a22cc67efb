#include <cmath>
#include <string>

#include "core/ops/activation.h"
#include "core/ops/linear.h"
#include "core/register.h"

namespace {
using namespace heed;

// The feed-forward of the Transformer: y = f(x W1 + b1) W2 + b2, for each position separately.
template <class S>
class Mlp final : public Layer<S> {
 public:
  struct Options {
    Index width = 0;
    std::string activation = "gelu_tanh";
    void describe(auto& option) {
      option("width", width,
             {.min = 0, .size = true, .doc = "hidden channels; 0: four times the model's width"});
      option("activation", activation,
             {.choices = {"gelu_tanh", "gelu_erf"}, .doc = "the GELU: tanh approximation or exact"});
    }
  };

  Mlp(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : width_(options.width > 0 ? options.width : 4 * spec.dim),
        f_(activation(options.activation)),
        in_("in", spec.dim, width_, spec.bias, 0.02, params),
        out_("out", width_, spec.dim, spec.bias, 0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers)),
             params) {}

  static Traits traits(const Options&) { return {.cross = false, .mixes_time = false}; }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    Memory<S> memory = step.memory();
    slope_ = memory.keep(x, width_);
    const Seq<S> a = memory.keep(x, width_);  // out_ reads it again in backward
    in_.forward(step, x, slope_);
    if (step.training)
      activate_with_slope(step, f_, slope_, a);
    else
      activate<S>(step, f_, slope_, a);
    out_.forward(step, a, y);
  }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dh = memory.temp(slope_, slope_.dim);
    dh.rows().setZero();
    out_.backward(step, dy, dh);
    dh.rows().array() *= slope_.rows().array();
    in_.backward(step, dh, dx);
  }

  Cost cost(Index tq, Index) const override { return {in_.flops(tq) + out_.flops(tq), 0}; }
  std::unique_ptr<LayerDecoder<S>> decoder(Index, Index) override {
    return std::make_unique<PositionwiseDecoder<S>>(*this);
  }

 private:
  Index width_;
  Activation f_;
  Linear<S> in_, out_;
  Seq<S> slope_;  // of the latest forward: f' where f was applied
};
}  // namespace

HEED_LAYER(mlp, Mlp, "Two linear maps with a GELU between them", "Vaswani et al. 2017")
