#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/mixer.h"
#include "core/ops/activation.h"
#include "core/ops/linear.h"
#include "core/ops/norm.h"
#include "variants/parts/positions.h"
#include "variants/parts/sigmoid.h"
#include "variants/parts/ttt_linear.h"

namespace {
using namespace heed;

constexpr double kStddev = 0.02;

struct TttOptions {
  Index mini_batch = 16;
  double base_lr = 1;
  bool gate = false;
  void describe(auto& option) {
    option("mini_batch", mini_batch,
           {.min = 1, .doc = "tokens whose inner gradients are taken at the same weights"});
    option("base_lr", base_lr,
           {.min = 0, .doc = "largest inner learning rate, times a head's width; 0: nothing is learned"});
    option("gate", gate, {.doc = "multiply the normalized heads by gelu(W x), as in the Mamba backbone"});
  }
};

// The heads: eta = base_lr sigmoid(rate) / f and t_i = max(0, 1 / i + theta_i), then ttt_linear.h.
template <class S>
struct TttMixer {
  TttOptions options;

  struct Saved {
    Mat<S> eta, scale, states;
  };

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }
  std::vector<MixerInput> inputs(const LayerSpec<S>&) const { return {{.name = "rate", .bias = 0.0}}; }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    const Index f = spec.dim / spec.heads;
    if (f < 3)
      throw Error(
          fmt::format("'ttt_linear' needs heads of at least 3 channels, but dim / heads is {}: the norm of "
                      "2 channels is only a sign, which has no gradient to learn from.",
                      f));
    const auto scope = params.scope("fast");
    w_ = params.declare("weight", spec.dim, f, Init::normal(kStddev), Role::decayed);
    b_ = params.declare("bias", spec.heads, f, Init::zeros(), Role::undecayed);
    gain_ = params.declare("norm_gain", spec.heads, f, Init::ones(), Role::undecayed);
    bias_ = params.declare("norm_bias", spec.heads, f, Init::zeros(), Role::undecayed);
    theta_ = params.declare("scale", 1, options.mini_batch, Init::zeros(), Role::undecayed);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Mat<S> eta = rates(in, memory.keep(in.q.rows(), 1)),
                 scale = scales(memory.keep(1, options.mini_batch));
    return {eta, scale, ttt_forward(head(in, eta, scale), o, memory)};
  }

  // From deta and dt to drate and dtheta:    deta/drate = eta (1 - sigmoid)      dt_i/dtheta_i = 1 where t_i
  // > 0
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Index f = in.q.cols(), time = in.q.rows();
    Mat<S> deta = memory.temp(time, 1), dscale = memory.temp(1, options.mini_batch);
    deta.setZero(), dscale.setZero();
    TttHeadGrad<S> to{grad.q,
                      grad.k,
                      grad.v,
                      deta,
                      dscale,
                      of_head(grad.param(w_), grad.index, f),
                      row_block(grad.param(b_), grad.index, 1),
                      row_block(grad.param(gain_), grad.index, 1),
                      row_block(grad.param(bias_), grad.index, 1)};
    ttt_backward<S>(head(in, saved.eta, saved.scale), saved.states, d_o, to, memory);
    Mat<S> drate = grad.input(0), dtheta = grad.param(theta_);
    const ConstMat<S> rate = in.input(0);
    for (Index t = 0; t < time; ++t) drate(t, 0) += deta(t, 0) * saved.eta(t, 0) * logistic(-rate(t, 0));
    for (Index i = 0; i < options.mini_batch; ++i)
      if (saved.scale(0, i) > 0) dtheta(0, i) += dscale(0, i);
  }

  Index state_size(const HeadSize& size) const { return TttState<S>::size(size.key); }
  void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const Mat<S> eta = rates(token, memory.temp(1, 1)), scale = scales(memory.temp(1, options.mini_batch));
    const TttHead<S> in = head(token, eta, scale);
    TttState<S> now(state.data(), token.q.cols());
    const Index position = token.mask.offset;
    if (position == 0) now.start(in);
    ttt_step(in, position % options.mini_batch, now, o, memory);
  }

  Cost cost(const HeadSize& size) const {
    return {ttt_flops(size.tq, size.key, options.mini_batch), 4 * static_cast<double>(state_size(size))};
  }

 private:
  template <class M>
  static M of_head(M all, Index h, Index rows) {
    return row_block(all, h * rows, rows);
  }
  TttHead<S> head(const Head<S>& in, Mat<S> eta, Mat<S> scale) const {
    const auto own = [&](const Param<S>& p, Index rows) {
      return of_head<ConstMat<S>>(p.value(), in.index, rows);
    };
    return {in.q, in.k, in.v, eta, scale, own(w_, in.q.cols()), own(b_, 1), own(gain_, 1), own(bias_, 1)};
  }
  static S logistic(S x) { return static_cast<S>(sigmoid(static_cast<double>(x))); }
  Mat<S> rates(const Head<S>& in, Mat<S> eta) const {
    const S most = static_cast<S>(options.base_lr / static_cast<double>(in.q.cols()));
    const ConstMat<S> rate = in.input(0);
    for (Index t = 0; t < eta.rows(); ++t) eta(t, 0) = most * logistic(rate(t, 0));
    return eta;
  }
  Mat<S> scales(Mat<S> t) const {
    for (Index i = 0; i < t.cols(); ++i) {
      const S given = 1 / static_cast<S>(i + 1) + theta_.value()(0, i);
      t(0, i) = given < 0 ? S(0) : given;  // NaN stays NaN, so that a failed run is detected
    }
    return t;
  }

  Param<S> w_, b_, gain_, bias_, theta_;  // (H f,f) (H,f) (H,f) (H,f) (1,K)
};

// The layer of TTT-Linear (Sun et al. 2024, section 2.7):
//     q, k, v = x W_q, x W_k, x W_v, rotated by their place in the mini-batch
//     u = heads of q, k, v and the rates x W_r + b_r      y = [gelu(x W_g) *] norm(u) W_o
// The norm is over all heads together. Derivation: docs/variants/test_time_training.md.
template <class S>
class TttLinear final : public Layer<S> {
 public:
  using Options = TttOptions;
  static Traits traits(const Options&) { return TttMixer<S>().traits(); }

  TttLinear(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : options_(options),
        heads_(spec.heads),
        position_(spec.position),
        kernel_(make_head_kernel(mixer(options, spec), spec, params)),
        q_map_("query", spec.dim, spec.dim, spec.bias, kStddev, params),
        k_map_("key", spec.dim, spec.dim, spec.bias, kStddev, params),
        v_map_("value", spec.dim, spec.dim, spec.bias, kStddev, params),
        rate_map_(kernel_->inputs(), spec.heads, spec, params),
        norm_("norm", spec.dim, {.kind = NormKind::layer, .eps = kTttEps}, params),
        out_map_("output", spec.dim, spec.dim, spec.bias,
                 kStddev / std::sqrt(2.0 * static_cast<double>(spec.layers)), params) {
    if (options.gate) gate_map_.emplace("gate", spec.dim, spec.dim, spec.bias, kStddev, params);
    if (position_) position_->require_width(spec.dim / spec.heads);
  }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    const HeadInputs<const S> in = project(step, x, 0);
    kernel_->forward(step, in, u_.heads(heads_));
    finish(step, x, y);
  }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const auto zero = [&] {
      const Seq<S> out = memory.temp(u_, u_.dim);
      out.rows().setZero();
      return out;
    };
    const Seq<S> du = zero(), dq = zero(), dk = zero(), dv = zero();
    finish_backward(step, dy, du, dx);
    kernel_->backward(step, du.heads(heads_),
                      {dq.heads(heads_), dk.heads(heads_), dv.heads(heads_), rate_map_.zero_grads(memory)});
    rotate(dq, 0, true), rotate(dk, 0, true);
    rate_map_.backward(step, dx, dx);
    v_map_.backward(step, dv, dx);
    k_map_.backward(step, dk, dx);
    q_map_.backward(step, dq, dx);
  }

  Cost cost(Index tq, Index tk) const override {
    Cost c = kernel_->cost(tq, tk);
    c.flops += q_map_.flops(tq) + k_map_.flops(tq) + v_map_.flops(tq) + rate_map_.flops(tq, tq) +
               out_map_.flops(tq) + (gate_map_ ? gate_map_->flops(tq) : 0);
    return c;
  }

  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index length) override {
    return std::make_unique<Decoder>(*this, kernel_->decoder(batch, length));
  }

 private:
  static TttMixer<S> mixer(const Options& options, const LayerSpec<S>& spec) {
    if (!spec.causality.causal || spec.causality.offset.value_or(0) != 0)
      throw Error(
          "'ttt_linear' learns from token to token: it needs a causal mask, under which each token sees "
          "itself.");
    require_divisible(spec.dim, spec.heads);
    refuse_score_bias(spec, "ttt_linear");
    if (options.mini_batch == 1 && rotates(spec.position, spec.dim / spec.heads))
      throw Error(
          "'ttt_linear' counts positions in each mini-batch, so with mini_batch: 1 all of them are 0 and "
          "rotate nothing: take a larger mini_batch, or a position that does not rotate.");
    TttMixer<S> heads;
    heads.options = options;
    return heads;
  }

  // first: the place of the first token in its mini-batch
  HeadInputs<const S> project(Step<S>& step, Seq<const S> x, Index first) {
    Memory<S> memory = step.memory();
    q_ = memory.keep(x, x.dim), k_ = memory.keep(x, x.dim), v_ = memory.keep(x, x.dim);
    u_ = memory.keep(x, x.dim);
    q_map_.forward(step, x, q_);
    k_map_.forward(step, x, k_);
    v_map_.forward(step, x, v_);
    rotate(q_, first, false), rotate(k_, first, false);
    return {q_.heads(heads_), k_.heads(heads_), v_.heads(heads_), rate_map_.forward(step, x, x)};
  }

  // Positions begin at 0 in each mini-batch (Sun et al. 2024, section 2.7): the mini-batches of a sequence
  // are rotated as if they were sequences of a batch. Requires: first is 0, or there is one token.
  void rotate(Seq<S> x, Index first, bool back) const {
    if (!position_) return;
    const auto turn = [&](S* from, Index count, Index time) {
      if (count == 0 || time == 0) return;
      const Heads<S> rows{from, count, heads_, time, x.dim / heads_};
      if (back)
        position_->rotate_backward(rows, first);
      else
        position_->rotate(rows, first);
    };
    for (Index b = 0; b < x.batch; ++b) {
      const Index full = x.length(b) / options_.mini_batch * options_.mini_batch;
      turn(x.at(b).data(), full / options_.mini_batch, options_.mini_batch);
      turn(x.at(b).data() + full * x.dim, 1, x.length(b) - full);
    }
  }

  // From the outputs of the heads to y.
  void finish(Step<S>& step, Seq<const S> x, Seq<S> y) {
    Memory<S> memory = step.memory();
    normed_ = memory.keep(x, x.dim);
    norm_.forward(step, u_, normed_);
    if (!gate_map_) return out_map_.forward(step, normed_, y);
    slope_ = memory.keep(x, x.dim), gate_ = memory.keep(x, x.dim);
    const Seq<S> gated = memory.keep(x, x.dim);
    gate_map_->forward(step, x, slope_);
    activate_with_slope(step, Activation::gelu_tanh, slope_, gate_);
    gated.rows().array() = gate_.rows().array() * normed_.rows().array();
    out_map_.forward(step, gated, y);
  }
  void finish_backward(Step<S>& step, Seq<const S> dy, Seq<S> du, Seq<S> dx) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> dnormed = memory.temp(u_, u_.dim);
    dnormed.rows().setZero();
    out_map_.backward(step, dy, dnormed);
    if (gate_map_) {
      const Seq<S> dgate = memory.temp(u_, u_.dim);
      dgate.rows().array() = dnormed.rows().array() * normed_.rows().array() * slope_.rows().array();
      dnormed.rows().array() *= gate_.rows().array();
      gate_map_->backward(step, dgate, dx);
    }
    norm_.backward(step, dnormed, du);
  }

  // Projects one token and passes it to the decoder of the heads.
  class Decoder final : public LayerDecoder<S> {
   public:
    Decoder(TttLinear& layer, std::unique_ptr<HeadDecoder<S>> heads)
        : layer_(layer), heads_(std::move(heads)) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override {
      const HeadInputs<const S> token = layer_.project(step, x, seen_++ % layer_.options_.mini_batch);
      heads_->next(step, token, layer_.u_.heads(layer_.heads_));
      layer_.finish(step, x, y);
    }
    double state_bytes() const override { return heads_->state_bytes(); }

   private:
    TttLinear& layer_;
    std::unique_ptr<HeadDecoder<S>> heads_;
    Index seen_ = 0;
  };

  Options options_;
  Index heads_;
  const Position<S>* position_;
  std::unique_ptr<HeadKernel<S>> kernel_;
  Linear<S> q_map_, k_map_, v_map_;
  InputProjections<S> rate_map_;
  Norm<S> norm_;
  Linear<S> out_map_;
  std::optional<Linear<S>> gate_map_;
  // of the latest forward
  Seq<S> q_, k_, v_, u_, normed_, slope_, gate_;
};
}  // namespace

HEED_LAYER(ttt_linear, TttLinear,
           "Test-time training: heads whose linear model learns while they read the sequence",
           "Sun et al. 2024")
