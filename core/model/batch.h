#pragma once

#include <span>

#include "core/index.h"
#include "core/task.h"

namespace heed {

// The sequences of one stream of a batch: tokens or vectors, with room for `time` positions each.
struct SequenceBatch {
  Index time = 0;                           // 0: the batch has no such stream
  std::span<const Token> tokens = {};       // (batch, time)
  std::span<const double> vectors = {};     // (batch, time, width); the model rounds them to its own type
  std::span<const Index> lengths = {};      // (batch), each 0 .. time; empty: all sequences are full
  std::span<double> vector_gradients = {};  // as vectors, or empty: Model::accumulate adds dL/dvectors here
  // (batch, time), of a model that reads in any order (ModelSpec::ordered): the place of the token that a row
  // predicts, or the length if it predicts none. Empty: 0, 1, 2, ...
  std::span<const Token> order = {};

  Index length(Index b) const { return lengths.empty() ? time : lengths[static_cast<std::size_t>(b)]; }
};

// Some sequences with their labels. Padding (positions after a sequence's length, and their labels) is never
// read.
struct Batch {
  SequenceBatch input;
  std::span<const Token> labels;  // (batch, input.time), or (batch) if a sequence has one label
  Index batch = 0;
  Labels labeled = Labels::per_position;
  SequenceBatch source = {};  // what the encoder of an encoder-decoder reads

  Batch part(Index from, Index sequences) const;  // sequences from .. from + sequences - 1
  Index scored() const;                           // labels that are not kUnscored
};

// Full sequences of tokens with a label at every position: tokens and labels are (batch, time).
Batch token_batch(std::span<const Token> tokens, std::span<const Token> labels, Index batch, Index time);

}  // namespace heed
