#include <cmath>
#include <vector>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/joined_softmax.h"
#include "variants/parts/softmax.h"
#include "variants/parts/tiled_mixer.h"

namespace {
using namespace heed;

// Softmax attention with persistent vectors (Sukhbaatar et al. 2019, eq. 9): each head has M learned keys and
// values beside those of the sequence, in the same softmax. They are always visible.
//     s_ij = tau q_i.k_j      t_im = tau q'_i.(sqrt(D) a_m) = q'_i.a_m      tau = 1 / sqrt(D)
//     lse_i = log(sum_j exp(s_ij) + sum_m exp(t_im))
//     o_i = sum_j exp(s_ij - lse_i) v_j + sum_m exp(t_im - lse_i) sqrt(M) b_m
// q' are the queries before positions rotate them: the vectors have no position, so ALiBi does not act on
// them either. Derivation: docs/variants/memory.md.
template <class S>
struct PersistentMemory : TiledMixer<PersistentMemory<S>, S> {
  using Tiled = TiledMixer<PersistentMemory<S>, S>;
  using typename Tiled::Saved;

  struct Options {
    Index vectors = 16, tile = kTile;
    void describe(auto& option) {
      option(
          "vectors", vectors,
          {.min = 0, .size = true, .doc = "M: learned keys and values of each head; 0: softmax attention"});
      describe_tile(option, tile);
    }
  } options;

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    if (options.vectors == 0) return;
    const Index rows = spec.heads * options.vectors, width = spec.dim / spec.heads;
    const auto reciprocal_root = [](Index n) { return 1 / std::sqrt(static_cast<double>(n)); };
    key_ = params.declare("memory_key", rows, width, Init::normal(reciprocal_root(width)), Role::decayed);
    value_ = params.declare("memory_value", rows, width, Init::normal(reciprocal_root(options.vectors)),
                            Role::decayed);
  }
  std::vector<Param<S>> head_params() const { return {key_, value_}; }
  bool reads_unrotated() const { return options.vectors > 0; }

  // The softmax over the sequence, joined with the softmax over the vectors.
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Saved saved = Tiled::forward(in, o, memory);
    if (options.vectors == 0) return saved;
    typename Memory<S>::Scope scope(memory);
    const Mat<S> o_m = memory.temp(o.rows(), o.cols()), lse_m = memory.temp(1, o.rows());
    softmax_forward(vector_map(in, memory), vector_tiles(in), o_m, lse_m, memory);
    join_softmax<S>(o_m, lse_m, saved.o, saved.lse);
    return saved;
  }

  // saved.o and saved.lse are those of the joint softmax, so each call makes its part of the joint weights.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Tiled::backward(in, saved, d_o, grad, memory);
    if (options.vectors == 0) return;
    const Mat<S> d_scaled = zeros(memory, options.vectors, in.v.cols());
    softmax_backward<S>(vector_map(in, memory), vector_tiles(in), saved.o, saved.lse, d_o, grad.unrotated_q(),
                        grad.param(key_), d_scaled, memory);
    Mat<S> d_value = grad.param(value_);
    d_value += value_scale() * d_scaled;
  }

  Cost cost(const HeadSize& size) const {
    Cost cost = dense_cost(size);
    cost.flops +=
        2 * static_cast<double>(size.tq * options.vectors) * static_cast<double>(size.key + size.value);
    return cost;
  }

  // For TiledMixer: the sequence.
  DenseTiles tiles(const Head<S>& in, Memory<S>&) const {
    return {in.q.rows(), in.k.rows(), in.mask, options.tile};
  }

 private:
  S value_scale() const { return static_cast<S>(std::sqrt(static_cast<double>(options.vectors))); }

  DenseTiles vector_tiles(const Head<S>& in) const {
    return {in.q.rows(), options.vectors, Mask{}, options.tile};
  }
  // The vectors of the head as keys and values. Their weights are not dropped.
  SoftmaxMap<S> vector_map(const Head<S>& in, Memory<S>& memory) const {
    const Mat<S> values = tile_room(memory, options.vectors, in.v.cols());
    for (Index m = 0; m < values.rows(); ++m)
      row(values, m) = value_scale() * block(value_, in).row(m).array();
    return {in.unrotated_q(), block(key_, in), values, S(1)};
  }
  Mat<S> block(const Param<S>& p, const Head<S>& in) const {
    return row_block(p.value(), in.index * options.vectors, options.vectors);
  }

  Param<S> key_, value_;  // a and b: (heads M, D), the rows of a head one after the other
};
}  // namespace

HEED_MIXER(memory, PersistentMemory, "Softmax attention with learned keys and values beside the sequence",
           "Sukhbaatar et al. 2019")
