#include <cmath>

#include "core/ops/linear.h"
#include "core/register.h"

namespace {
using namespace heed;

// v = x V,  s_t = a s_{t-1} + (1 - a) v_t,  y = s W,  a = sigmoid(decay) for each channel: a moving average,
// a complete variant. Replace it by your equation, and cite the paper. Change forward and backward together.
template <class S>
class MyVariant final : public Layer<S> {
 public:
  struct Options {  // each becomes a key of the sweep file
    double start = 0.9;
    void describe(auto& option) { option("start", start, {.min = 0.01, .max = 0.99, .doc = "first a"}); }
  };

  // Declares the parameters with their initial values. Each draws from a random stream of its own name.
  MyVariant(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : value_("value", spec.dim, spec.dim, spec.bias, 0.02, params),
        output_("output", spec.dim, spec.dim, spec.bias, 0.02, params),
        decay_(params.declare("decay", 1, spec.dim,
                              Init::constant(std::log(options.start / (1 - options.start))),
                              Role::undecayed)),
        spec_(spec) {
    if (spec.position && spec.position->slope(0, spec.heads) != 0) throw Error("it has no scores to bias");
  }

  // What it supports; `heed check` tests these claims. It needs a causal mask and takes no other sequence.
  static Traits traits(const Options&) {
    return {.bidirectional = false, .cross = false, .permutation = false};
  }

  // x (B, T, C) -> y (B, T, C). Keeps what backward needs. All memory comes from the step.
  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    Memory<S> memory = step.memory();
    v_ = memory.keep(x, x.dim);
    s_ = memory.keep(x, x.dim);
    a_ = memory.keep(1, 1, x.dim);
    value_.forward(step, x, v_);
    if (spec_.position) spec_.position->rotate(v_.heads(spec_.heads), 0);  // as rope rotates keys
    a_.rows() = decay_.value().unaryExpr([](S d) { return 1 / (1 + std::exp(-d)); });
    step.parallel_for(x.batch, [&](Index b, Memory<S>&) {
      const auto a = a_.rows().row(0).array();
      for (Index t = 0; t < x.length(b); ++t) {
        s_.at(b).row(t) = (1 - a) * v_.at(b).row(t).array();
        if (t > 0) s_.at(b).row(t).array() += a * s_.at(b).row(t - 1).array();
      }
    });
    output_.forward(step, s_, y);
  }

  // ds_t += a ds_{t+1},  dv_t = (1 - a) ds_t,  da = sum_t ds_t (s_{t-1} - v_t),  ddecay = da a (1 - a)
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> ds = memory.temp(s_, s_.dim), dv = memory.temp(s_, s_.dim);
    const Seq<S> da = memory.temp(s_.batch, 1, s_.dim);  // a slot for each sequence, summed in order below
    ds.rows().setZero();
    da.rows().setZero();
    output_.backward(step, dy, ds);
    step.parallel_for(s_.batch, [&](Index b, Memory<S>&) {
      const auto a = a_.rows().row(0).array();
      for (Index t = s_.length(b) - 1; t >= 0; --t) {
        if (t + 1 < s_.length(b)) ds.at(b).row(t).array() += a * ds.at(b).row(t + 1).array();
        dv.at(b).row(t) = (1 - a) * ds.at(b).row(t).array();
        da.at(b).row(0) -= ds.at(b).row(t).cwiseProduct(v_.at(b).row(t));
        if (t > 0) da.at(b).row(0) += ds.at(b).row(t).cwiseProduct(s_.at(b).row(t - 1));
      }
    });
    for (Index b = 0; b < s_.batch; ++b)
      decay_.grad().array() += da.at(b).array() * a_.rows().array() * (1 - a_.rows().array());
    if (spec_.position) spec_.position->rotate_backward(dv.heads(spec_.heads), 0);
    value_.backward(step, dv, dx);
  }

  Cost cost(Index tq, Index) const override {  // of a sequence: a multiply-add is two
    return {value_.flops(tq) + output_.flops(tq) + 4.0 * double(tq * spec_.dim), 4.0 * double(spec_.dim)};
  }

 private:
  Linear<S> value_, output_;
  Param<S> decay_;
  LayerSpec<S> spec_;
  Seq<S> v_, s_, a_;  // of the latest forward
};
}  // namespace

HEED_LAYER(my_variant, MyVariant, "What it is, in one line", "Author et al. 2026")
