#pragma once

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/mixer.h"
#include "variants/parts/delta_gates.h"
#include "variants/parts/delta_rule.h"
#include "variants/parts/head_output.h"
#include "variants/parts/positions.h"
#include "variants/parts/token_features.h"

namespace heed {

// What the layers of the delta family differ in. A variant's defaults are those of its paper.
struct DeltaOptions {
  Index convolution = 4;
  std::string features = "silu_l2";
  bool negative_eigenvalues = false, output_norm = true;
  std::string output_gate = "none";
  Index key_width = 0, value_width = 0, chunk = 64;

  void describe(auto& option) {
    option("convolution", convolution,
           {.min = 0, .max = 64, .doc = "width of the short convolutions of q, k and v; 0: none"});
    option(
        "features", features,
        {.choices = {"silu_l2", "l2", "elu_sum"},
         .doc = "silu_l2: silu of q, k, v, then q and k of length 1; l2: without silu; elu_sum: elu + 1 of q "
                "and k, divided by their sums (Schlag et al. 2021)"});
    option("negative_eigenvalues", negative_eigenvalues,
           {.doc = "the rate of erasing is in (0, 2) instead of (0, 1): a step may turn a sign"});
    option("output_norm", output_norm, {.doc = "RMS norm of each head's output, one gain for all heads"});
    option("output_gate", output_gate,
           {.choices = {"none", "sigmoid", "silu"},
            .doc = "multiply each head's output by this function of W x"});
    option("key_width", key_width, {.min = 0, .doc = "of a head's queries and keys; 0: dim / heads"});
    option("value_width", value_width, {.min = 0, .doc = "of a head's values; 0: dim / heads"});
    option("chunk", chunk,
           {.min = 1, .speed = true, .doc = "positions per chunk; changes only speed and rounding"});
  }
  Index rank(Index) const { return 0; }                   // of the maps to decays and gate; 0: full
  std::optional<double> gate_bias() const { return {}; }  // where the bias of the gate's map starts
  void check(const Refuse& refuse) const {
    if (key_width == 1)
      refuse("key_width", "a key of one channel is 1 or -1 after the norm: take 2 or more.");
  }
};

// A mixer of the delta family:
//     q, k, v -> short convolution, activation, norm -> delta rule with gates -> norm, gate
// Chosen are DeltaOptions with a paper's defaults, and Write and Decay (delta_gates.h): what is erased and
// written, and how the state decays. The rule runs in chunks (delta_rule.h). Of each chunk only the state
// that enters it is kept; backward computes the rest again.
template <class S, class Chosen, class Write, class Decay>
class DeltaMixer {
 public:
  using Options = Chosen;
  Options options;

  struct Saved {
    Mat<S> states;  // (chunks * K, V): what enters each chunk; not set for the first one, where it is zero
  };

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }

  HeadShape shape(const LayerSpec<S>& spec) const {
    if (options.key_width == 0 || options.value_width == 0) require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    const auto or_width = [&](Index chosen) { return chosen > 0 ? chosen : width; };
    return {spec.heads, or_width(options.key_width), or_width(options.value_width)};
  }

  std::vector<MixerInput> inputs(const LayerSpec<S>& spec) const {
    const HeadShape s = shape(spec);
    std::vector<MixerInput> out = Write::inputs(s.key, s.value);
    const Index rank = options.rank(s.value);
    for (MixerInput& input : Decay::inputs(s.key, rank)) out.push_back(std::move(input));
    if (gates()) out.push_back({.name = "gate", .width = s.value, .bias = options.gate_bias(), .rank = rank});
    return out;
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    const HeadShape s = shape(spec);
    refuse_position(spec, s);
    const auto filters = [&](const char* name, Index width) {
      const double bound = 1 / std::sqrt(static_cast<double>(options.convolution));  // as PyTorch's Conv1d
      return params.declare(name, options.convolution, s.heads * width, Init::uniform(bound), Role::decayed);
    };
    if (options.convolution > 0)
      q_filters_ = filters("query_conv", s.key), k_filters_ = filters("key_conv", s.key),
      v_filters_ = filters("value_conv", s.value);
    decay_.declare(s.heads, s.key, params);
    if (options.output_norm) gain_ = params.declare("out_gain", 1, s.value, Init::ones(), Role::undecayed);
  }

  void prepare(Index tq, Index tk, const Mask& mask) const {
    if (tq != tk || mask.offset != 0)
      throw Error(
          fmt::format("the delta rule needs queries and keys side by side, but there are {} queries and {} "
                      "keys at offset {}.",
                      tq, tk, mask.offset));
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index time = in.q.rows(), key = in.q.cols(), value = in.v.cols(), count = chunks(time);
    Saved saved{kept_room(memory, count * key, value)};
    for (Index c = 0; c < count; ++c) {
      typename Memory<S>::Scope scope(memory);
      const Index first = c * options.chunk, n = std::min(options.chunk, time - first);
      const DeltaTokens<S> x{q_features(in).forward(in.q, first, n, memory),
                             k_features(in).forward(in.k, first, n, memory), tile_room(memory, n, key),
                             v_features(in).forward(in.v, first, n, memory), Decay::room(memory, n, key)};
      complete(in, first, x, memory);
      const Mat<S> before = row_block(saved.states, c * key, key), u = tile_room(memory, n, value);
      const DeltaChunk<Kernel, S> chunk(x, before, memory, place(c, count));
      delta_output(chunk, before, u);
      if (c + 1 < count) delta_state(chunk, before, row_block(saved.states, (c + 1) * key, key));
      output().forward(u, gate_rows(in, first, n), row_block(o, first, n), memory);
    }
    return saved;
  }

  // The steps of forward, reversed; chunks from the last to the first.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Index time = in.q.rows(), key = in.q.cols(), value = in.v.cols(), count = chunks(time);
    const TokenFeatures<S> q = q_features(in), k = k_features(in), v = v_features(in);
    const Mat<S> future = tile_room(memory, key, value), none = mat<S>(nullptr, 0, 0);
    for (Index c = count - 1; c >= 0; --c) {
      typename Memory<S>::Scope scope(memory);
      const Index first = c * options.chunk, n = std::min(options.chunk, time - first);
      const auto tq = q.trace(in.q, first, n, memory), tk = k.trace(in.k, first, n, memory),
                 tv = v.trace(in.v, first, n, memory);
      const DeltaTokens<S> x{tq.y, tk.y, tile_room(memory, n, key), tile_room(memory, n, value),
                             Decay::room(memory, n, key)};
      gather<S>(tv.y, Rows{nullptr, 0, n}, x.v);
      complete(in, first, x, memory);
      const Mat<S> before = row_block(saved.states, c * key, key), u = tile_room(memory, n, value);
      const DeltaChunk<Kernel, S> chunk(x, before, memory, place(c, count));
      if (!output().plain()) delta_output(chunk, before, u);
      const Mat<S> du = output().backward(u, gate_rows(in, first, n), row_block(ConstMat<S>(d_o), first, n),
                                          gates() ? row_block(grad.input(gate()), first, n) : none,
                                          options.output_norm ? grad.param(gain_) : none, memory);
      const DeltaTokens<S> dx{tile_room(memory, n, key), tile_room(memory, n, key), tile_room(memory, n, key),
                              tile_room(memory, n, value), Decay::room(memory, n, key)};
      delta_backward(x, chunk, before, du, future, dx, memory);
      write().backward(in, first, x, tv.y, dx, grad, memory);
      decay_.backward(in, Write::kInputs, first, x.g, dx.g, grad, memory);
      whole(dx.q) *= scale(key);
      q.backward(in.q, first, tq, dx.q, grad.q, dconv(q_filters_, grad, key), memory);
      k.backward(in.k, first, tk, dx.k, grad.k, dconv(k_filters_, grad, key), memory);
      v.backward(in.v, first, tv, dx.v, grad.v, dconv(v_filters_, grad, value), memory);
    }
  }

  // The recurrence. The state is s (K,V), then the inputs that the convolutions of q, k and v still need.
  Index state_size(const HeadSize& size) const {
    return size.key * size.value + kept_inputs() * (2 * size.key + size.value);
  }
  void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>& memory) const {
    const Index key = token.q.cols(), value = token.v.cols(), kept = kept_inputs();
    S* at = state.data();
    const auto take = [&](Index rows, Index cols) {
      at += rows * cols;
      return mat(at - rows * cols, rows, cols);
    };
    const Mat<S> s = take(key, value), q_kept = take(kept, key), k_kept = take(kept, key),
                 v_kept = take(kept, value);
    const DeltaTokens<S> x{q_features(token).next(token.q, q_kept, memory),
                           k_features(token).next(token.k, k_kept, memory), tile_room(memory, 1, key),
                           v_features(token).next(token.v, v_kept, memory), Decay::room(memory, 1, key)};
    complete(token, 0, x, memory);
    const Mat<S> u = tile_room(memory, 1, value);
    delta_step(x, s, u, memory);
    output().forward(u, gate_rows(token, 0, 1), o, memory);
  }

  // Reading the state for e and q (not in the first chunk) and writing k into it (not in the last one), and
  // the pairs inside chunks: <q, k> with the diagonal, <e, k> and the triangular system below it.
  Cost cost(const HeadSize& size) const {
    Index pairs = 0, written = size.tq, read = size.tq - std::min(options.chunk, size.tq);
    for (Index at = 0; at < size.tq; at += options.chunk) {
      const Index n = std::min(options.chunk, size.tq - at);
      pairs += n * n;  // n (n + 1) / 2 and n (n - 1) / 2
      if (at + n == size.tq) written -= n;
    }
    const double state = static_cast<double>((2 * read + written) * size.key * size.value);
    return {2 * (state + static_cast<double>(pairs * (size.key + size.value))),
            4 * static_cast<double>(state_size(size))};
  }

 private:
  using Kernel = typename Decay::Kernel;

  Index chunks(Index time) const { return (time + options.chunk - 1) / options.chunk; }
  static ChunkPlace place(Index chunk, Index count) { return {chunk == 0, chunk + 1 == count}; }
  Index kept_inputs() const { return std::max<Index>(options.convolution - 1, 0); }
  static S scale(Index key) { return static_cast<S>(1 / std::sqrt(static_cast<double>(key))); }
  Write write() const { return {options.negative_eigenvalues ? S(2) : S(1)}; }

  void refuse_position(const LayerSpec<S>& spec, const HeadShape& s) const {
    refuse_score_bias(spec, "the delta rule");
    if (rotates(spec.position, s.key) && (options.convolution > 0 || options.features != "l2"))
      throw Error(
          "the delta rule's convolution and activation would come after the rotation of queries and keys, "
          "which is another function than the papers': take a position that does not rotate, or convolution: "
          "0 and features: l2.");
  }

  // From features of q, k and v to the tokens of the rule.
  void complete(const Head<S>& in, Index first, const DeltaTokens<S>& x, Memory<S>& memory) const {
    whole(x.q) *= scale(x.q.cols());
    write().forward(in, first, x, memory);
    decay_.forward(in, Write::kInputs, first, x.g);
  }

  // A head's columns of the filters (width, heads * C).
  ShortConv<S> conv(const Param<S>& filters, const Head<S>& in, Index channels) const {
    const ConstMat<S> none = const_mat<S>(nullptr, 0, channels);
    return {filters ? ConstMat<S>(column_block(filters.value(), in.index * channels, channels)) : none, none};
  }
  ShortConvGrad<S> dconv(const Param<S>& filters, const HeadGrad<S>& grad, Index channels) const {
    const Mat<S> none = mat<S>(nullptr, 0, channels);
    return {filters ? column_block(grad.param(filters), grad.index * channels, channels) : none, none};
  }
  TokenFeatures<S> key_features(const Param<S>& filters, const Head<S>& in) const {
    const bool sum = options.features == "elu_sum";
    return {conv(filters, in, in.q.cols()),
            sum                             ? Feature::elu
            : options.features == "silu_l2" ? Feature::silu
                                            : Feature::none,
            sum ? RowNorm::sum : RowNorm::l2};
  }
  TokenFeatures<S> q_features(const Head<S>& in) const { return key_features(q_filters_, in); }
  TokenFeatures<S> k_features(const Head<S>& in) const { return key_features(k_filters_, in); }
  TokenFeatures<S> v_features(const Head<S>& in) const {
    return {conv(v_filters_, in, in.v.cols()), options.features == "silu_l2" ? Feature::silu : Feature::none,
            RowNorm::none};
  }

  bool gates() const { return options.output_gate != "none"; }
  static Index gate() { return Write::kInputs + (Decay::kDecays ? 1 : 0); }  // among inputs()
  ConstMat<S> gate_rows(const Head<S>& in, Index first, Index n) const {
    return gates() ? row_block(in.input(gate()), first, n) : const_mat<S>(nullptr, 0, 0);
  }
  HeadOutput<S> output() const {
    const ConstMat<S> none = const_mat<S>(nullptr, 0, 0);
    return {options.output_norm ? ConstMat<S>(gain_.value()) : none, kOutputEps,
            gate_named(options.output_gate)};
  }

  static constexpr double kOutputEps = 1e-5;

  Decay decay_;
  Param<S> q_filters_, k_filters_, v_filters_, gain_;
};

}  // namespace heed
