#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/multi_head.h"
#include "core/ops/activation.h"
#include "core/ops/decayed_attention.h"
#include "core/ops/linear.h"
#include "core/register.h"
#include "variants/parts/gated_norm.h"
#include "variants/parts/positions.h"
#include "variants/parts/short_conv.h"
#include "variants/parts/ssd_group.h"
#include "variants/parts/ssd_widths.h"

namespace {
using namespace heed;

// The layer of Mamba-2 (Dao & Gu 2024, section 7):
//     z, (x, B, C), dt = columns of u W_in
//     x, B, C = silu(conv(x, B, C))        dt = softplus(dt + dt_bias)
//     y = heads of x, dt, B, C (ssd_group.h)
//     out = rms(y * silu(z)) * gain W_out
// The norm comes after the gate, and is over all heads together. Derivation: docs/variants/decayed.md.
template <class S>
class Ssd final : public Layer<S> {
 public:
  struct Options {
    Index expand = 2, state = 128, groups = 1, conv = 4, chunk = 64;
    void describe(auto& option) {
      option("expand", expand, {.min = 1, .doc = "width of all heads together, as a multiple of dim"});
      option("state", state, {.min = 1, .doc = "width N of B and C"});
      option("groups", groups, {.min = 1, .doc = "groups of heads that share B and C"});
      option("conv", conv, {.min = 1, .doc = "tokens that the convolution of x, B and C sees"});
      option("chunk", chunk,
             {.min = 1, .speed = true, .doc = "positions per chunk; changes only speed and rounding"});
    }
  };
  static Traits traits(const Options&) {
    return {.bidirectional = false, .cross = false, .permutation = false};
  }

  Ssd(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : options_(options),
        w_(widths(options, spec)),
        in_("input", spec.dim, w_.projected(), spec.bias, 0.02, params),
        out_("output", w_.inner(), spec.dim, spec.bias,
             0.02 / std::sqrt(2.0 * static_cast<double>(spec.layers)), params) {
    const double bound = 1 / std::sqrt(static_cast<double>(options.conv));  // as PyTorch's Conv1d
    p_ = {params.declare("conv.weight", options.conv, w_.mixed(), Init::uniform(bound), Role::decayed),
          params.declare("conv.bias", 1, w_.mixed(), Init::uniform(bound), Role::undecayed),
          params.declare("a_log", 1, w_.heads, Init::drawn(draw_a_log), Role::undecayed),
          params.declare("dt_bias", 1, w_.heads, Init::drawn(draw_dt_bias), Role::undecayed),
          params.declare("d", 1, w_.heads, Init::ones(), Role::undecayed),
          params.declare("norm.gain", 1, w_.inner(), Init::ones(), Role::undecayed)};
  }

  void forward(Step<S>& step, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    take_room(step, x);
    in_.forward(step, x, projected_);
    step.parallel_for(x.batch, [&](Index b, Memory<S>&) {
      short_conv<S>(conv(), mixed_inputs(b), 0, slope_.at(b));
      activate_with_slope<S>(Activation::silu, slope_.at(b), mixed_.at(b));
      step_sizes(b);
    });
    step.parallel_for(x.batch * w_.groups, [&](Index i, Memory<S>& memory) {
      const Index b = i / w_.groups, g = i % w_.groups;
      if (x.length(b) > 0)
        new (&saved(b, g)) SsdSaved<S>(ssd_forward<S>(group(b, g), inner_of(u_.at(b), g), memory));
    });
    step.parallel_for(x.batch, [&](Index b, Memory<S>& memory) { gated_norm(b, memory); });
    out_.forward(step, normed_, y);
  }

  // The steps of forward, reversed. Gradients of parameters go to a slot for each sequence; slots are added
  // in order.
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const auto zero = [&](Index dim) {
      const Seq<S> out = memory.temp(u_, dim);
      out.rows().setZero();
      return out;
    };
    const Seq<S> dn = zero(w_.inner()), dprojected = zero(w_.projected()), dmixed = zero(w_.mixed());
    const Seq<S> ddt = zero(w_.heads);
    SsdSlots<S> slots(w_, u_.batch, memory);
    out_.backward(step, dy, dn);
    step.parallel_for(u_.batch, [&](Index b, Memory<S>& own) {  // dn becomes du
      gated_rms_rows_backward<S>(u_.at(b), gates(b), p_.gain.value(), kEps, dn.at(b),
                                 column_block(dprojected.at(b), 0, w_.inner()), slots.of(b).gain, own);
    });
    step.parallel_for(u_.batch * w_.groups, [&](Index i, Memory<S>& own) {
      const Index b = i / w_.groups;
      if (u_.length(b) > 0)
        group_backward(b, i % w_.groups, dn.at(b), dmixed.at(b), ddt.at(b), slots.of(b), own);
    });
    step.parallel_for(u_.batch, [&](Index b, Memory<S>&) {
      step_sizes_backward(b, ddt.at(b), dprojected.at(b), slots.of(b).dt_bias);
      conv_backward(b, dmixed.at(b), dprojected.at(b), slots.of(b));
    });
    slots.add_to(p_);
    in_.backward(step, dprojected, dx);
  }

  Cost cost(Index tq, Index) const override {
    const double groups = static_cast<double>(w_.groups);
    // The heads of a group read the same products of B and C: together they are one head.
    return {in_.flops(tq) + out_.flops(tq) +
                groups * decayed_flops(tq, w_.state, w_.inner() / w_.groups, options_.chunk),
            4 * static_cast<double>(w_.decoded())};
  }

  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index) override {
    return std::make_unique<Decoder>(*this, batch);
  }

 private:
  static constexpr double kEps = 1e-5;

  static SsdWidths widths(const Options& options, const LayerSpec<S>& spec) {
    require_divisible(options.expand * spec.dim, spec.heads);
    if (spec.heads % options.groups != 0)
      throw Error(fmt::format("'groups' is {} but must divide 'heads' ({}).", options.groups, spec.heads));
    if (!spec.causality.causal || spec.causality.offset.value_or(0) != 0)
      throw Error("'ssd' is a recurrence: it needs a causal mask, under which each token sees itself.");
    if (spec.position &&
        (spec.position->slope(0, spec.heads) != 0 || rotates(spec.position, spec.dim / spec.heads)))
      throw Error(
          "'ssd' has no queries and keys: positions must be a kind that is added to the embeddings, or "
          "none.");
    return {spec.heads, options.expand * spec.dim / spec.heads, options.groups, options.state, options.conv};
  }

  // The released start: A uniform in 1 .. 16, dt log-uniform in 0.001 .. 0.1.
  static void draw_a_log(Draws& draws, std::span<double> a) {
    for (double& x : a) x = std::log(1 + 15 * draws.uniform());
  }
  static void draw_dt_bias(Draws& draws, std::span<double> bias) {
    for (double& x : bias) {
      const double dt = std::exp(std::log(0.001) + draws.uniform() * std::log(100.0));
      x = dt + std::log(-std::expm1(-dt));  // the inverse of softplus
    }
  }

  void take_room(Step<S>& step, Seq<const S> x) {
    Memory<S> memory = step.memory();
    projected_ = memory.keep(x, w_.projected());
    mixed_ = memory.keep(x, w_.mixed());
    slope_ = memory.keep(x, w_.mixed());
    dt_ = memory.keep(x, w_.heads);
    u_ = memory.keep(x, w_.inner());
    normed_ = memory.keep(x, w_.inner());
    saved_ = memory.template keep_span<SsdSaved<S>>(x.batch * w_.groups);
  }

  SsdSaved<S>& saved(Index b, Index g) const { return saved_[static_cast<std::size_t>(b * w_.groups + g)]; }
  ShortConv<S> conv() const { return {p_.taps.value(), p_.conv_bias.value()}; }
  Mat<S> gates(Index b) const { return column_block(projected_.at(b), 0, w_.inner()); }
  Mat<S> mixed_inputs(Index b) const { return column_block(projected_.at(b), w_.inner(), w_.mixed()); }
  // The columns of group g: of its heads' channels, of a number for each head, of B and of C.
  Mat<S> inner_of(Mat<S> all, Index g) const {
    return column_block(all, g * w_.inner() / w_.groups, w_.inner() / w_.groups);
  }
  Mat<S> heads_of(Mat<S> all, Index g) const {
    return column_block(all, g * w_.heads / w_.groups, w_.heads / w_.groups);
  }
  Mat<S> b_of(Mat<S> mixed, Index g) const {
    return column_block(mixed, w_.inner() + g * w_.state, w_.state);
  }
  Mat<S> c_of(Mat<S> mixed, Index g) const {
    return column_block(mixed, w_.inner() + w_.shared() + g * w_.state, w_.state);
  }
  SsdGroup<S> group(Index b, Index g) const {
    const Mat<S> mixed = mixed_.at(b);
    return {inner_of(mixed, g), heads_of(dt_.at(b), g),        b_of(mixed, g),
            c_of(mixed, g),     heads_of(p_.a_log.value(), g), heads_of(p_.d.value(), g),
            options_.chunk};
  }

  // dt = softplus(raw + dt_bias) = max(r, 0) + log(1 + e^-|r|)
  static S softplus(S r) { return std::max(r, S(0)) + std::log1p(std::exp(-std::abs(r))); }
  S raw(Index b, Index t, Index h) const {
    return projected_.at(b)(t, w_.inner() + w_.mixed() + h) + p_.dt_bias.value()(0, h);
  }
  void step_sizes(Index b) {
    Mat<S> dt = dt_.at(b);
    for (Index t = 0; t < dt.rows(); ++t)
      for (Index h = 0; h < w_.heads; ++h) dt(t, h) = softplus(raw(b, t, h));
  }
  // draw = d(dt) sigmoid(r)
  void step_sizes_backward(Index b, In<S> ddt, Mat<S> dprojected, Mat<S> dbias) const {
    for (Index t = 0; t < ddt.rows(); ++t)
      for (Index h = 0; h < w_.heads; ++h) {
        const S d = ddt(t, h) / (1 + std::exp(-raw(b, t, h)));
        dprojected(t, w_.inner() + w_.mixed() + h) += d;
        dbias(0, h) += d;
      }
  }

  // Through the SiLU and the convolution of x, B and C.
  void conv_backward(Index b, Mat<S> dmixed, Mat<S> dprojected, const SsdParams<Mat<S>>& grad) const {
    dmixed.array() *= slope_.at(b).array();
    short_conv_backward<S>(conv(), mixed_inputs(b), 0, dmixed,
                           column_block(dprojected, w_.inner(), w_.mixed()), {grad.taps, grad.conv_bias});
  }

  void group_backward(Index b, Index g, Mat<S> du, Mat<S> dmixed, Mat<S> ddt, SsdParams<Mat<S>> grad,
                      Memory<S>& memory) const {
    ssd_backward<S>(group(b, g), saved(b, g), inner_of(du, g),
                    {inner_of(dmixed, g), heads_of(ddt, g), b_of(dmixed, g), c_of(dmixed, g),
                     heads_of(grad.a_log, g), heads_of(grad.d, g)},
                    memory);
  }

  void gated_norm(Index b, Memory<S>& memory) const {
    gated_rms_rows<S>(u_.at(b), gates(b), p_.gain.value(), kEps, normed_.at(b), memory);
  }

  // Keeps, for each sequence, the latest inputs of the convolution and the states of the heads.
  class Decoder final : public LayerDecoder<S> {
   public:
    Decoder(Ssd& layer, Index batch)
        : layer_(layer), numbers_(static_cast<std::size_t>(batch * layer.w_.decoded())) {}

    void next(Step<S>& step, Seq<const S> x, Seq<S> y) override {
      layer_.take_room(step, x);
      layer_.in_.forward(step, x, layer_.projected_);
      const SsdWidths& w = layer_.w_;
      step.parallel_for(x.batch, [&](Index b, Memory<S>& memory) {
        const Mat<S> mixed = layer_.mixed_.at(b);
        S* const state = numbers_.data() + b * layer_.w_.decoded();
        const Index kept = w.conv - 1;
        short_conv_next<S>(layer_.conv(), layer_.mixed_inputs(b), mat(state, kept, w.mixed()), mixed);
        activate<S>(Activation::silu, mixed, mixed);
        layer_.step_sizes(b);
        const Mat<S> states = mat(state + kept * w.mixed(), w.state, w.inner());
        for (Index g = 0; g < w.groups; ++g)
          ssd_step<S>(layer_.group(b, g), layer_.inner_of(states, g), layer_.inner_of(layer_.u_.at(b), g),
                      memory);
        layer_.gated_norm(b, memory);
      });
      layer_.out_.forward(step, layer_.normed_, y);
    }
    double state_bytes() const override { return 4.0 * static_cast<double>(layer_.w_.decoded()); }

   private:
    Ssd& layer_;
    std::vector<S> numbers_;
  };

  Options options_;
  SsdWidths w_;
  Linear<S> in_, out_;
  SsdParams<Param<S>> p_;
  // of the latest forward
  Seq<S> projected_, mixed_, dt_, u_, normed_;
  Seq<S> slope_;  // of the SiLU: d mixed / d convolution
  std::span<SsdSaved<S>> saved_;
};
}  // namespace

HEED_LAYER(ssd, Ssd,
           "Mamba-2: linear attention with a decay for each token and head, convolution, gate and norm",
           "Dao & Gu 2024")
