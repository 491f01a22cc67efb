#include "variants/parts/forgetting.h"

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/head_output.h"
#include "variants/parts/own_keys.h"
#include "variants/parts/positions.h"
#include "variants/parts/ring_kernel.h"
#include "variants/parts/row_norms.h"
#include "variants/parts/softmax.h"
#include "variants/parts/softmax_sums.h"
#include "variants/parts/tiled_softmax.h"

namespace {
using namespace heed;

// Forgetting attention, FoX (Lin et al. 2025): each token and head has a forget gate f_t = sigmoid(input),
// and a score is lowered by the gates of the tokens that came after its key.
//     c_t = sum_{u <= t} log f_u      s_ij = tau q_i.k_j + c_i - c_j      o = softmax(s) v      for j <= i
// The options make it the paper's "Pro" layer. Derivation: docs/variants/forgetting.md.
template <class S>
struct Forgetting {
  struct Options {
    double forget_bias = 0;
    bool key_shift = false, value_shift = false, qk_norm = false, output_norm = false, output_gate = false;
    Index tile = kTile;
    void describe(auto& option) {
      option("forget_bias", forget_bias,
             {.min = -100, .max = 100, .doc = "start of the forget gate's bias; 0: f = 1/2, strongly local"});
      option("key_shift", key_shift, {.doc = "mix each key with the one before it, by a gate"});
      option("value_shift", value_shift, {.doc = "mix each value with the one before it, by a gate"});
      option("qk_norm", qk_norm, {.doc = "RMS norm of each query and key, with a gain for each head"});
      option("output_norm", output_norm,
             {.doc = "RMS norm of each head's output, with a gain for each head"});
      option("output_gate", output_gate, {.doc = "multiply each head's output by sigmoid(W x)"});
      describe_tile(option, tile);
    }
  } options;

  struct Saved {
    ConstMat<S> q, k, v;           // as the scores and the sum see them: shifted and normed
    ConstMat<S> shifted;           // (Tk,D) keys between shift and norm
    Mat<S> u;                      // (Tq,V) the sum over values, before norm and gate
    Mat<S> lse;                    // (1,Tq)
    std::span<const double> sums;  // (Tk) c
  };

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }

  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    std::vector<MixerInput> out = {{.name = "forget", .side = Side::key, .bias = options.forget_bias}};
    if (options.key_shift) out.push_back({.name = "key_shift", .side = Side::key});
    if (options.value_shift) out.push_back({.name = "value_shift", .side = Side::key});
    if (options.output_gate) out.push_back({.name = "gate", .width = spec.dim / spec.heads});
    return out;
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    const Index width = spec.dim / spec.heads;
    if ((options.key_shift || options.qk_norm) && rotates(spec.position, width))
      throw Error(
          "with key_shift or qk_norm, 'forgetting' shifts and norms keys after they are rotated, which "
          "is another function than the paper's: take a position that does not rotate.");
    const auto gain = [&](const char* name) {
      return params.declare(name, spec.heads, width, Init::ones(), Role::undecayed);
    };
    if (options.qk_norm) q_gain_ = gain("q_gain"), k_gain_ = gain("k_gain");
    if (options.output_norm) out_gain_ = gain("out_gain");
  }

  // A query's gate is that of the key at its own position.
  void prepare(Index tq, Index tk, const Mask& mask) const { require_own_keys("forgetting", tq, tk, mask); }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index tq = in.q.rows(), tk = in.k.rows();
    const std::span<double> sums = memory.template keep_span<double>(tk);
    for (Index t = 0; t < tk; ++t) sums[at(t)] = log_sigmoid(static_cast<double>(in.input(0)(t, 0)));
    sum_up(sums);
    const ConstMat<S> shifted = options.key_shift ? shift(in.k, in.input(key_shift()), memory) : in.k;
    const ConstMat<S> v = options.value_shift ? shift(in.v, in.input(value_shift()), memory) : in.v;
    const ConstMat<S> q = options.qk_norm ? norm(in.q, gain(q_gain_, in), kScoreEps, memory) : in.q;
    const ConstMat<S> k = options.qk_norm ? norm(shifted, gain(k_gain_, in), kScoreEps, memory) : shifted;
    const HeadOutput<S> output = this->output(in);
    const Mat<S> u = output.plain() ? o : kept_room(memory, tq, o.cols()), lse = memory.keep(1, tq);
    Saved saved{q, k, v, shifted, u, lse, sums};
    softmax_forward(map(in, saved), tiles(in), u, lse, memory);
    if (!output.plain()) output.forward(u, gate_input(in), o, memory);
    return saved;
  }

  // The steps of forward, reversed. dc comes out of the softmax kernel; dinput_t = (1 - f_t) sum_{u >= t}
  // dc_u.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Mat<S> du = output_backward(in, saved, d_o, grad, memory);
    const auto room = [&](bool used, ConstMat<S> like, Mat<S> own) {
      return used ? zeros(memory, like.rows(), like.cols()) : own;
    };
    const Mat<S> dq = room(options.qk_norm, in.q, grad.q), dv = room(options.value_shift, in.v, grad.v);
    const Mat<S> dshifted = room(options.key_shift, in.k, grad.k), dk = room(options.qk_norm, in.k, dshifted);
    const std::span<double> dc = memory.template temp_span<double>(in.k.rows());
    std::ranges::fill(dc, 0.0);
    softmax_backward<S>(map(in, saved), tiles(in), saved.u, saved.lse, du, dq, dk, dv, memory, dc.data());
    if (options.qk_norm) {
      rms_rows_backward<S>(in.q, gain(q_gain_, in), kScoreEps, dq, grad.q, dgain(q_gain_, grad));
      rms_rows_backward<S>(saved.shifted, gain(k_gain_, in), kScoreEps, dk, dshifted, dgain(k_gain_, grad));
    }
    if (options.value_shift)
      shift_tokens_backward<S>(in.v, in.input(value_shift()), dv, grad.v, grad.input(value_shift()));
    if (options.key_shift)
      shift_tokens_backward<S>(in.k, in.input(key_shift()), dshifted, grad.k, grad.input(key_shift()));
    sum_up_backward(dc);
    Mat<S> dforget = grad.input(0);
    for (Index t = 0; t < dforget.rows(); ++t)
      dforget(t, 0) += static_cast<S>(dc[at(t)] * sigmoid(-static_cast<double>(in.input(0)(t, 0))));
  }

  // For RingKernel. Each rank knows the gates of all tokens: c_i - c_j is then the same as on one rank.
  Splits splits() const {
    return options.key_shift || options.value_shift || options.qk_norm ? Splits::none : Splits::any;
  }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<Forgetting, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<Forgetting, S>>(whole, parallel);
  }
  double of_token(const Head<S>& in, Index t) const {
    return log_sigmoid(static_cast<double>(in.input(0)(t, 0)));
  }
  void of_tokens_backward(std::span<double> dc) const { sum_up_backward(dc); }
  void of_token_backward(const Head<S>& in, Index t, double d, HeadGrad<S>& grad) const {
    grad.input(0)(t, 0) += static_cast<S>(d * sigmoid(-static_cast<double>(in.input(0)(t, 0))));
  }
  Saved begin(const Head<S>& in, std::span<double> log_forget, Memory<S>& memory) const {
    sum_up(log_forget);
    const SoftmaxSums<S> sums =
        empty_sums(in.q.rows(), in.v.cols(), -std::numeric_limits<S>::infinity(), memory);
    return {in.q, in.k, in.v, in.k, sums.o, sums.lse, log_forget};
  }
  void add(const RingBlock<S>& block, const Saved& saved, Memory<S>& memory) const {
    add_block(block_map(block, saved), tiles(block.head), rows(saved, block), memory);
  }
  void finish(const Head<S>& in, const Saved& saved, Mat<S> o, Memory<S>& memory) const {
    const HeadOutput<S> output = this->output(in);
    if (output.plain())
      o = saved.u;
    else
      output.forward(saved.u, gate_input(in), o, memory);
  }
  void finish_backward(const Head<S>& in, const Saved& saved, In<S> d_o, Mat<S> du, HeadGrad<S>& grad,
                       Memory<S>& memory) const {
    du = output_backward(in, saved, d_o, grad, memory);
  }
  void add_backward(const RingBlock<S>& block, const Saved& saved, In<S> du, HeadGrad<S>& grad, double* dc,
                    Memory<S>& memory) const {
    const SoftmaxSums<S> sums = rows(saved, block);
    softmax_backward<S>(block_map(block, saved), tiles(block.head), sums.o, sums.lse,
                        row_block(du, block.row, sums.o.rows()), grad.q, grad.k, grad.v, memory, dc);
  }

  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    softmax_weights<S>(map(in, saved), tiles(in), saved.lse, p, memory);
  }

 private:
  static constexpr double kScoreEps = 1e-5, kOutputEps = 1e-6;  // of the released layer

  static std::size_t at(Index t) { return static_cast<std::size_t>(t); }

  // Where the further inputs are among inputs().
  Index key_shift() const { return 1; }
  Index value_shift() const { return options.key_shift ? 2 : 1; }
  Index gate() const { return value_shift() + (options.value_shift ? 1 : 0); }

  DenseTiles tiles(const Head<S>& in) const { return {in.q.rows(), in.k.rows(), in.mask, options.tile}; }
  SoftmaxMap<S> map(const Head<S>& in, const Saved& saved) const {
    const double tau = 1 / std::sqrt(static_cast<double>(in.q.cols()));
    return {saved.q,  saved.k,        saved.v,           static_cast<S>(tau),
            in.slope, in.mask.offset, saved.sums.data(), in.dropout};
  }

  // The same for a block of queries and keys; c counts from its first key.
  SoftmaxMap<S> block_map(const RingBlock<S>& block, const Saved& saved) const {
    const Head<S>& in = block.head;
    return map(in, {in.q, in.k, in.v, in.k, saved.u, saved.lse, saved.sums.subspan(at(block.first_key))});
  }
  static SoftmaxSums<S> rows(const Saved& saved, const RingBlock<S>& block) {
    return SoftmaxSums<S>{saved.u, saved.lse}.rows(block.row, block.head.q.rows());
  }

  static ConstMat<S> shift(In<S> x, In<S> gate, Memory<S>& memory) {
    const Mat<S> y = memory.keep(x.rows(), x.cols());
    shift_tokens<S>(x, gate, y);
    return y;
  }
  static ConstMat<S> norm(In<S> x, In<S> gain, double eps, Memory<S>& memory) {
    const Mat<S> y = memory.keep(x.rows(), x.cols());
    rms_rows<S>(x, gain, eps, y);
    return y;
  }
  // A head's row of the gains (H,D), or of their gradient.
  static Mat<S> gain(const Param<S>& gains, const Head<S>& in) {
    return row_block(gains.value(), in.index, 1);
  }
  static Mat<S> dgain(const Param<S>& gains, const HeadGrad<S>& grad) {
    return row_block(grad.param(gains), grad.index, 1);
  }

  // The norm and the gate of the output.
  HeadOutput<S> output(const Head<S>& in) const {
    const ConstMat<S> none = const_mat<S>(nullptr, 0, 0);
    return {options.output_norm ? ConstMat<S>(gain(out_gain_, in)) : none, kOutputEps,
            options.output_gate ? Gate::sigmoid : Gate::none};
  }
  Mat<S> output_backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                         Memory<S>& memory) const {
    const Mat<S> none = mat<S>(nullptr, 0, 0);
    return output(in).backward(saved.u, gate_input(in), d_o, options.output_gate ? grad.input(gate()) : none,
                               options.output_norm ? dgain(out_gain_, grad) : none, memory);
  }
  ConstMat<S> gate_input(const Head<S>& in) const {
    return options.output_gate ? in.input(gate()) : const_mat<S>(nullptr, 0, 0);
  }

  Param<S> q_gain_, k_gain_, out_gain_;
};
}  // namespace

HEED_MIXER(forgetting, Forgetting, "Softmax attention with a forget gate for each token and head (FoX)",
           "Lin et al. 2025")
