#pragma once

#include <algorithm>

#include "core/ops/product.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/short_conv.h"

namespace heed {

// In-Place TTT (Feng et al. 2026) of one sequence: the down matrix of a gated feed-forward learns while the
// sequence is read. z (T,M): the gated hidden channels, e (T,C): the embeddings. For each chunk c of tokens,
//     o_c = z_c W_c      t_c = conv(e_c) W_target      W_{c+1} = W_c + lr z_c^T t_c
// The weights change after the chunk has used them, so the convolution may look ahead inside the chunk: its
// filter is centered, and rows outside the chunk are 0. Nothing reads what the last chunk would learn.
// Derivation: docs/variants/test_time_training.md.
template <class S>
struct InPlaceTtt {
  ConstMat<S> z, e;
  ConstMat<S> w;       // (M,C) W_1
  ConstMat<S> taps;    // (n,C) n is odd
  ConstMat<S> target;  // (C,C), or no rows: t = conv(e)
  Index chunk;
  S lr;

  Index chunks() const { return (z.rows() + chunk - 1) / chunk; }
  Index rows(Index c) const { return std::min(chunk, z.rows() - c * chunk); }
  Index ahead() const { return taps.rows() / 2; }  // tokens that the convolution looks ahead
  ShortConv<S> conv() const { return {taps, const_mat<S>(nullptr, 0, taps.cols())}; }
};

// Where backward adds; of the shapes above.
template <class S>
struct InPlaceTttGrad {
  Mat<S> z, e, w, taps, target;
};

// Of a chunk's tokens: conv(e) and lr t. Tiles, perhaps the same one before the factor lr.
template <class S>
struct InPlaceTargets {
  InPlaceTargets(const InPlaceTtt<S>& in, In<S> e, Memory<S>& memory)
      : conv(tile_room(memory, e.rows(), e.cols())), scaled(tile_room(memory, e.rows(), e.cols())) {
    short_conv<S>(in.conv(), e, in.ahead(), conv);  // a centered filter is a causal one, some rows later
    if (in.target.rows() > 0)
      product_ab<S>(conv, in.target, scaled);
    else
      whole(scaled) = whole(conv);
    whole(scaled) *= in.lr;
  }
  Mat<S> conv, scaled;
};

// after = before + lr z^T t
template <class S>
void in_place_learn(const InPlaceTtt<S>& in, In<S> z, In<S> e, In<S> before, Mat<S> after,
                    Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  if (after.data() != before.data()) after = before;
  add_product_atb<S>(z, InPlaceTargets<S>(in, e, memory).scaled, after);
}

// The weights that chunk c uses, among what forward returns.
template <class S>
ConstMat<S> weights_of_chunk(const InPlaceTtt<S>& in, In<S> states, Index c) {
  return c == 0 ? in.w : row_block<S>(states, (c - 1) * in.w.rows(), in.w.rows());
}

// Writes o (T,C). Returns the weights of all chunks but the first, ((chunks - 1) M, C).
template <class S>
Mat<S> in_place_forward(const InPlaceTtt<S>& in, Mat<S> o, Memory<S>& memory) {
  const Index count = in.chunks(), hidden = in.w.rows();
  const Mat<S> states = kept_room(memory, (count - 1) * hidden, in.w.cols());
  for (Index c = 0; c < count; ++c) {
    const Index first = c * in.chunk, n = in.rows(c);
    const ConstMat<S> w = weights_of_chunk<S>(in, states, c), z = row_block(in.z, first, n);
    product_ab<S>(z, w, row_block(o, first, n));
    if (c + 1 < count)
      in_place_learn<S>(in, z, row_block(in.e, first, n), w, row_block(states, c * hidden, hidden), memory);
  }
  return states;
}

// Through t_c = conv(e_c) W_target, from dt (n,C):
//     dW_target += conv(e_c)^T dt      dconv = dt W_target^T
template <class S>
void in_place_targets_backward(const InPlaceTtt<S>& in, const InPlaceTargets<S>& t, Index first, Mat<S> dt,
                               InPlaceTttGrad<S>& grad, Memory<S>& memory) {
  const Index n = dt.rows(), dim = dt.cols();
  const Mat<S> through = tile_room(memory, n, dim);
  const bool projects = in.target.rows() > 0;
  if (projects) {
    add_product_atb<S>(t.conv, dt, grad.target);
    product_abt<S>(dt, in.target, through);
  }
  const Mat<S> dconv = projects ? through : dt;
  const Mat<S> de = zeros(memory, n + in.ahead(), dim);  // with the rows of 0 that the filter saw after e_c
  short_conv_backward<S>(in.conv(), row_block(in.e, first, n), in.ahead(), dconv, de,
                         {grad.taps, mat<S>(nullptr, 0, dim)});
  scatter_add(row_block(de, 0, n), Rows{nullptr, first, n}, grad.e);
}

// Chunks from the last to the first. With r = dL/dW_{c+1}:
//     dz_c = do_c W_c^T + lr t_c r^T      dt_c = lr z_c r      r += z_c^T do_c
// states: what forward returned.
template <class S>
void in_place_backward(const InPlaceTtt<S>& in, In<S> states, In<S> d_o, InPlaceTttGrad<S>& grad,
                       Memory<S>& memory) {
  const Index count = in.chunks(), dim = in.w.cols();
  const Mat<S> r = zeros(memory, in.w.rows(), dim);
  for (Index c = count - 1; c >= 0; --c) {
    typename Memory<S>::Scope scope(memory);
    const Index first = c * in.chunk, n = in.rows(c);
    const ConstMat<S> z = row_block(in.z, first, n), dy = row_block<S>(d_o, first, n);
    const Mat<S> dz = row_block(grad.z, first, n);
    add_product_abt<S>(dy, weights_of_chunk<S>(in, states, c), dz);
    if (c + 1 < count) {
      const InPlaceTargets<S> t(in, row_block(in.e, first, n), memory);
      const Mat<S> dt = tile_room(memory, n, dim);
      add_product_abt<S>(t.scaled, r, dz);
      product_ab<S>(z, r, dt);
      whole(dt) *= in.lr;
      in_place_targets_backward(in, t, first, dt, grad, memory);
    }
    add_product_atb<S>(z, dy, r);
  }
  grad.w += r;
}

// Of the products of the forward pass of T tokens, without those of the hidden channels.
inline double in_place_flops(Index time, Index hidden, Index dim, Index chunk, bool projects) {
  const Index learned = time > 0 ? (time - 1) / chunk * chunk : 0;  // tokens before the last chunk
  return 2 * static_cast<double>((time + learned) * hidden * dim + (projects ? learned * dim * dim : 0));
}

}  // namespace heed
