#pragma once

#include <string>

#include "core/config.h"

namespace heed {

// What a variant claims to be able to do; the conformance suite tests the claim.
struct Traits {
  bool causal = true;         // can hide the future
  bool bidirectional = true;  // can do without a mask
  bool cross = true;          // context may be another sequence, of another length
  bool permutation = true;    // without mask and positions: permuting time permutes the output
  bool smooth = true;  // false: has kinks (a selection that jumps), which gradient checks must step around
  bool mixes_time = true;  // false: each position by itself (a feed-forward)
};

// What an attention variant asks of the block that it stands in.
struct BlockStyle {
  // The variant for the feed-forward slot; empty: the model's own choice. Without options of its own, the
  // model's choice stands where it has that name.
  std::string feed_forward = "";
  Config feed_forward_options = {};
  bool norm_gain = true;  // false: the block's norms have neither gain nor bias
};

}  // namespace heed
