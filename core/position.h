#pragma once

#include "core/views.h"

namespace heed {

// How a model knows where a token stands. A kind of position overrides what it needs: it adds to the
// embeddings (learned, sinusoidal), turns queries and keys (rotary), or biases the scores (ALiBi). One object
// per model. embed and rotate are called outside of parallel tasks; everything else is const and safe to call
// from several threads.
template <class S>
class Position {
 public:
  virtual ~Position() = default;

  // x (B,T,C) += the table's rows first .. first + T - 1, for each sequence as many as it has
  virtual void embed(Seq<S> x, Index first) const { (void)x, (void)first; }
  // adds into the table's gradient, of a sequence that starts at 0
  virtual void embed_backward(Seq<const S> dx) const { (void)dx; }

  // heed::Error where maps of so many channels cannot be turned; asked when a layer is built.
  virtual void require_width(Index channels) const { (void)channels; }

  // Turns each row of q (or k) in place; row t stands at position first + t.
  virtual void rotate(Heads<S> q, Index first) const { (void)q, (void)first; }
  // The transpose: turns back.
  virtual void rotate_backward(Heads<S> dq, Index first) const { (void)dq, (void)first; }

  // Score bias -slope |i - j| of a head, added after scaling; 0 for none.
  virtual double slope(Index head, Index heads) const { return (void)head, (void)heads, 0; }
};

}  // namespace heed
