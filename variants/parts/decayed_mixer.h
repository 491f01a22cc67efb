#pragma once

#include <fmt/format.h>

#include <memory>
#include <span>

#include "core/error.h"
#include "core/mixer.h"
#include "core/ops/decayed_attention.h"
#include "variants/parts/head_output.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/positions.h"
#include "variants/parts/state_kernel.h"

namespace heed {

// Shared code of mixers that are linear attention with decay (decayed_attention.h), then perhaps a norm and a
// gate (head_output.h). A mixer derives from it and defines `options.chunk` and
//     double scale(const Head<S>&) const
//     Mat<S> log_decay(const Head<S>&, Memory<S>&) const
//         kept, (T,1) or (T,key)
// and, if they are not as here,
//     the members below that end in `of_head` or begin with `log_decay`, and kLearnsDecay
template <class Mixer, class S>
struct DecayedMixer {
  HeadOutput<S> output_of_head(const Head<S>&, Memory<S>&) const { return {no_rows()}; }
  ConstMat<S> gate_of_head(const Head<S>&) const { return no_rows(); }
  Mat<S> gate_of_head(const HeadGrad<S>&) const { return no_rows(); }
  Mat<S> gain_of_head(const HeadGrad<S>&, Memory<S>&) const { return no_rows(); }
  // Whether the decay has a gradient, and what adds it.
  static constexpr bool kLearnsDecay = false;
  void log_decay_backward(const Head<S>&, Mat<S> /*log_decay*/, Mat<S> /*its gradient, a tile*/,
                          HeadGrad<S>&) const {}

  struct Saved {
    Mat<S> log_decay, states;
    Mat<S> u;  // (T,value): the output before norm and gate
  };

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }

  void prepare(Index tq, Index tk, const Mask& mask) const {
    if (tq != tk || mask.offset != 0)
      throw Error(
          fmt::format("a recurrence reads queries and keys side by side, but there are {} queries and "
                      "{} keys at offset {}.",
                      tq, tk, mask.offset));
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    return pass(in, no_rows(), o, memory);
  }
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    pass_backward(in, saved, d_o, no_rows(), grad, memory);
  }

  // For StateKernel.
  Splits splits() const { return Splits::contiguous; }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<Mixer, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<StateKernel<Mixer, S>>(whole, parallel);
  }
  Saved forward_from(const Head<S>& in, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    Mat<S> outside = mat(state.data(), in.k.cols(), in.v.cols());
    Saved saved = pass(in, outside, o, memory);
    outside = row_block(saved.states, saved.states.rows() - outside.rows(), outside.rows());
    return saved;
  }
  void backward_from(const Head<S>& in, const Saved& saved, In<S> d_o, std::span<S> d_state,
                     HeadGrad<S>& grad, Memory<S>& memory) const {
    pass_backward(in, saved, d_o, mat(d_state.data(), in.k.cols(), in.v.cols()), grad, memory);
  }

  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    decayed_weights(core(in, saved.log_decay), p, memory);
  }

  Index state_size(const HeadSize& size) const { return size.key * size.value; }
  void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const HeadOutput<S> output = mixer().output_of_head(token, memory);
    const Mat<S> u = tile_room(memory, 1, o.cols());
    decayed_step(core(token, mixer().log_decay(token, memory)),
                 mat(state.data(), token.k.cols(), token.v.cols()), u);
    if (output.plain())
      o = u;
    else
      output.forward(u, mixer().gate_of_head(token), o, memory);
  }

  Cost cost(const HeadSize& size) const {
    return {decayed_flops(size.tq, size.key, size.value, mixer().options.chunk),
            4 * static_cast<double>(state_size(size))};
  }

 protected:
  static Mat<S> no_rows() { return {nullptr, 0, 0, Eigen::OuterStride<>(0)}; }

 private:
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
  Decayed<S> core(const Head<S>& in, Mat<S> log_decay, bool continues = false) const {
    return {in.q, in.k, in.v, log_decay, mixer().scale(in), mixer().options.chunk, continues};
  }

  // outside: the state before the first token, if the sequence has begun elsewhere and goes on elsewhere;
  // without rows it is all of a sequence.
  Saved pass(const Head<S>& in, Mat<S> outside, Mat<S> o, Memory<S>& memory) const {
    const HeadOutput<S> output = mixer().output_of_head(in, memory);
    const Mat<S> log_decay = mixer().log_decay(in, memory);
    const Mat<S> u = output.plain() ? o : kept_room(memory, o.rows(), o.cols());
    const Mat<S> states = decayed_forward<S>(core(in, log_decay, outside.rows() > 0), outside, u, memory);
    if (!output.plain()) output.forward(u, mixer().gate_of_head(in), o, memory);
    return {log_decay, states, u};
  }
  void pass_backward(const Head<S>& in, const Saved& saved, In<S> d_o, Mat<S> d_outside, HeadGrad<S>& grad,
                     Memory<S>& memory) const {
    const HeadOutput<S> output = mixer().output_of_head(in, memory);
    const ConstMat<S> du =
        output.plain() ? d_o
                       : output.backward(saved.u, mixer().gate_of_head(in), d_o, mixer().gate_of_head(grad),
                                         mixer().gain_of_head(grad, memory), memory);
    const Mat<S> dlog_decay =
        Mixer::kLearnsDecay ? zeros(memory, in.k.rows(), saved.log_decay.cols()) : no_rows();
    decayed_backward<S>(core(in, saved.log_decay, d_outside.rows() > 0), saved.states, du,
                        {grad.q, grad.k, grad.v, dlog_decay}, d_outside, memory);
    if (Mixer::kLearnsDecay) mixer().log_decay_backward(in, saved.log_decay, dlog_decay, grad);
  }
};

template <class O>
void describe_decayed(O& option, Index& chunk) {
  option("chunk", chunk,
         {.min = 1, .speed = true, .doc = "positions per chunk; changes only speed and rounding"});
}

}  // namespace heed
