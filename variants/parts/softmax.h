#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/mixer.h"
#include "variants/parts/head_output.h"
#include "variants/parts/head_widths.h"
#include "variants/parts/qk_norm.h"
#include "variants/parts/tiled_mixer.h"

namespace heed {

// Side of the tiles that scores are made in: 64 x 64 floats are half of a 32 KiB first-level cache.
constexpr Index kTile = 64;

void describe_tile(auto& option, Index& tile) {
  option("tile", tile,
         {.min = 1, .speed = true, .doc = "side of the tiles of scores; changes only speed and rounding"});
}

// Scaled dot-product attention: o = softmax(tau q k^T) v.    q (Tq,D)  k (Tk,D)  v (Tk,V)  o (Tq,V)
// Vaswani et al. 2017, eq. 1. Options, in the order in which they act: QK-norm, soft cap of the scores, a
// sink in the denominator, an output gate. Derivation: docs/variants/softmax.md.
template <class S>
struct Softmax : TiledMixer<Softmax<S>, S> {
  using Tiled = TiledMixer<Softmax<S>, S>;
  using typename Tiled::Saved;

  struct Options {
    double scale = 0, cap = 0;
    HeadWidths widths;
    QkNormOptions qk_norm;
    std::string sink = "none", gate = "none";
    Index tile = kTile;
    void describe(auto& option) {
      option("scale", scale,
             {.min = 0,
              .max = 1e3,
              .doc = "multiplies the scores; 0: 1/sqrt(key width), or 1 with 'qk_norm: l2'"});
      widths.describe(option);
      qk_norm.describe(option);
      option("cap", cap, {.min = 0, .max = 1e6, .doc = "c: scores s become c tanh(s / c); 0: they do not"});
      option("sink", sink,
             {.choices = {"none", "learned", "zero"},
              .doc = "a score without a value in each row's softmax: learned for each head, or 0"});
      option("gate", gate,
             {.choices = {"none", "elementwise", "headwise"},
              .doc = "multiply the output by sigmoid(W x), one number for each channel or head"});
      describe_tile(option, tile);
    }
  } options;

  HeadShape shape(const LayerSpec<S>& spec) const { return options.widths.shape(spec); }

  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    if (!gated()) return {};
    return {{.name = "gate", .width = options.gate == "headwise" ? 1 : shape(spec).value}};
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    norm_.declare(options.qk_norm, spec, shape(spec), params);
    if (options.sink == "learned")
      sink_ = params.declare("sink", 1, spec.heads, Init::zeros(), Role::undecayed);
  }

  bool normalizes() const { return options.qk_norm.qk_norm != "none"; }
  void normalize(Side side, Index head, In<S> x, Mat<S> y) const { norm_.forward(side, head, x, y); }
  void normalize_backward(Side side, Index head, In<S> x, In<S> dy, Mat<S> dx, HeadGrad<S>& grad) const {
    norm_.backward(side, head, x, dy, dx, grad);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    if (!gated()) return Tiled::forward(in, o, memory);
    Saved saved = Tiled::forward(in, kept_room(memory, o.rows(), o.cols()), memory);
    output_gate().forward(saved.o, in.input(0), o, memory);
    return saved;
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    if (!gated()) return ungated_backward(in, saved, d_o, grad, memory);
    ungated_backward(in, saved, gate_backward(in, saved, d_o, grad, memory), grad, memory);
  }

  Splits splits() const { return Splits::any; }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<Softmax, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<Softmax, S>>(whole, parallel);
  }
  void finish(const Head<S>& in, const Saved& saved, Mat<S> o, Memory<S>& memory) const {
    if (gated())
      output_gate().forward(saved.o, in.input(0), o, memory);
    else
      o = saved.o;
  }
  void finish_backward(const Head<S>& in, const Saved& saved, In<S> d_o, Mat<S> du, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    if (gated())
      du = gate_backward(in, saved, d_o, grad, memory);
    else
      du = d_o;
    add_sink_gradient(in, saved, du, grad);
  }

  // For TiledMixer.
  DenseTiles tiles(const Head<S>& in, Memory<S>&) const {
    return {in.q.rows(), in.k.rows(), in.mask, options.tile};
  }
  double scale(const Head<S>& in) const {
    if (options.scale != 0) return options.scale;
    return options.qk_norm.qk_norm == "l2" ? 1 : Tiled::scale(in);
  }
  SoftmaxMap<S> map(const Head<S>& in) const {
    SoftmaxMap<S> map = Tiled::map(in);
    map.cap = static_cast<S>(options.cap);
    if (options.sink != "none") map.sink = sink_ ? sink_.value()(0, in.index) : S(0);
    return map;
  }

 private:
  bool gated() const { return options.gate != "none"; }
  HeadOutput<S> output_gate() const { return {.gain = const_mat<S>(nullptr, 0, 0), .gate = Gate::sigmoid}; }

  void ungated_backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                        Memory<S>& memory) const {
    Tiled::backward(in, saved, d_o, grad, memory);
    add_sink_gradient(in, saved, d_o, grad);
  }
  Mat<S> gate_backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    const Mat<S> no_gain = mat<S>(nullptr, 0, 0);
    return output_gate().backward(saved.o, in.input(0), d_o, grad.input(0), no_gain, memory);
  }
  void add_sink_gradient(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad) const {
    if (sink_) grad.param(sink_)(0, in.index) += sink_backward<S>(map(in).sink, saved.o, saved.lse, d_o);
  }

  QkNorm<S> norm_;
  Param<S> sink_;
};

}  // namespace heed
