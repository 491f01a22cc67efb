#pragma once

#include "core/views.h"

namespace heed {

// A positional encoding. A derived class overrides what it needs: it adds to the embeddings (learned,
// sinusoidal), rotates queries and keys (rotary), or biases the scores (ALiBi). A model has one object.
// embed and rotate are called outside of parallel tasks; the other functions may be called from several
// threads.
template <class S>
class Position {
 public:
  virtual ~Position() = default;

  // x (B,T,C) += the table's rows from `first` on, as many as each sequence has.
  virtual void embed(Seq<S> x, Index first) const { (void)x, (void)first; }
  // Adds into the table's gradient. Requires: embed had the same `first`.
  virtual void embed_backward(Seq<const S> dx, Index first) const { (void)dx, (void)first; }

  // Throws: heed::Error if maps of this width cannot be rotated. Called when a layer is built.
  virtual void require_width(Index channels) const { (void)channels; }

  // Rotates each row of q (or k) in place; row t has position first + t.
  virtual void rotate(Heads<S> q, Index first) const { (void)q, (void)first; }
  // The transpose: rotates by the negative angles.
  virtual void rotate_backward(Heads<S> dq, Index first) const { (void)dq, (void)first; }

  // Returns the slope of a head's score bias -slope |i - j|, which is added after scaling; 0: no bias.
  virtual double slope(Index head, Index heads) const { return (void)head, (void)heads, 0; }
};

}  // namespace heed
