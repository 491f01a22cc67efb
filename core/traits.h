#pragma once

#include <string>

#include "core/config.h"

namespace heed {

// What a variant claims to support. The conformance suite tests the claims.
struct Traits {
  bool causal = true;         // can hide the future
  bool bidirectional = true;  // can do without a mask
  bool cross = true;          // context may be another sequence, of another length
  bool permutation = true;    // without mask and positions: permuting time permutes the output
  bool smooth = true;         // false: has kinks (a selection that jumps), which gradient checks must avoid
  bool mixes_time = true;     // false: computes each position separately; then it is a feed-forward
  bool feed_forward = false;  // takes the place of the feed-forward although it mixes time
  bool reads_embeddings = false;  // its context is the input of the first block: the embeddings

  bool is_feed_forward() const { return feed_forward || !mixes_time; }
};

// What a kind of positions needs of the task.
struct PositionTraits {
  bool grid = false;          // it places the positions in a grid, row by row, so nothing may precede them
  bool task_columns = false;  // the columns of that grid are the task's (PositionSpec::columns)
};

// What an attention variant requires of its block.
struct BlockStyle {
  // The variant for the feed-forward slot; empty: the model's choice. If feed_forward_options is null and the
  // model's choice has the same name, the model's options are used.
  std::string feed_forward = "";
  Config feed_forward_options = {};
  bool norm_gain = true;  // false: the block's norms have neither gain nor bias
};

}  // namespace heed
