// What a file with a mixer includes.
#pragma once

#include "core/head.h"         // Head, HeadGrad: what a mixer sees
#include "core/head_loop.h"    // Memory, and what runs a mixer
#include "core/ops/product.h"  // matrix products
#include "core/ops/softmax.h"  // whole rows, for first drafts
#include "core/register.h"     // HEED_MIXER

// A mixer maps one head's (q, k, v) to o. It is a plain struct, no base class:
//
//     template <class S>
//     struct Mine {
//       struct Options { ...; void describe(auto& option); } options;  // or leave out
//       struct Saved { ... };  // what backward needs: views of kept memory, numbers
//       Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const;
//       void backward(const Head<S>& in, const Saved&, In<S> d_o, HeadGrad<S>& grad, Memory<S>&) const;
//     };
//
// Optional members, found by their name:
//
//     void declare(const LayerSpec<S>&, Params<S>&)
//         parameters, shared by the heads of a layer; their gradients go to grad.param(p)
//     std::vector<Param<S>> head_params() const
//         those of the parameters that have one block of rows for each head, (heads * n, m): grad.param(p) is
//         then the (n, m) of this head only. Parameters of many rows need it: slots are per sequence and head
//     HeadShape shape(const LayerSpec<S>&) const
//         heads and widths; default: heads of dim / heads. With fewer key_heads than heads, several heads get
//         the same k and v, and their gradients are summed
//     std::vector<MixerInput> inputs(const LayerSpec<S>&) const
//         further numbers for each token and head (a gate, a decay), which heed projects from the layer's
//         input: in.input(0) is the first, its gradient goes to grad.input(0)
//     bool normalizes() const
//     void normalize(Side, Index head, In<S> x, Mat<S> y) const
//     void normalize_backward(Side, Index head, In<S> x, In<S> dy, Mat<S> dx, HeadGrad<S>& grad) const
//         QK-norm: if the first returns true, heed replaces the queries x (T,key) of each head by y before it
//         rotates them, and likewise the keys; backward adds to dx and to grad.param(p)
//     bool reads_unrotated() const
//         if it returns true, in.unrotated_q() are the queries before positions rotate them, and their
//         gradient goes to grad.unrotated_q()
//     Splits splits() const
//     std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<Mine, S>&, const ContextParallel&) const
//         context parallelism: how sequences may be divided among ranks, which the conformance suite tests,
//         and the kernel for one rank's part (variants/parts/ring_kernel.h)
//     Traits traits() const
//         claims, which the conformance suite tests; default: everything
//     void prepare(Index tq, Index tk, const Mask&)
//         tables that depend on the lengths; called before every forward and backward pass, once for each
//         pair of lengths in the batch, so it must return at once if nothing has changed
//     void weights(const Head<S>&, const Saved&, Mat<S> p, Memory<S>&) const
//         writes all of the (Tq,Tk) weights
//     Cost cost(const HeadSize&) const
//         flops of one head, and state of one head of keys and values; default: dense softmax attention's
//     Index kept_keys(Index length) const
//         how many of the latest keys a token sees at most, in a sequence of that length. A decoder keeps
//         these, and their positions count from the first of them. Default: all
//     Index state_size(const HeadSize&) const
//     void decode(const Head<S>& token, std::span<S> state, Mat<S> o, Memory<S>&) const
//         the recurrent form, if there is one: reads one more token (q, k, v have one row, its position is
//         token.mask.offset), changes the state of state_size() numbers, which starts at zero, and writes o.
//         Without it, a decoder keeps keys and values and calls forward on one query
//
// One of these names with another signature does not compile.
