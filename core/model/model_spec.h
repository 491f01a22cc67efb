#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/index.h"
#include "core/options.h"
#include "core/task.h"
#include "core/traits.h"

namespace heed {

// A registered thing by name, with its resolved options.
struct Choice {
  std::string name;
  Config options = Config::map();
};

// The `model` section of a sweep file, without its slots (positions, feed_forward), which name registered
// things.
struct ModelOptions {
  Index layers = 2, heads = 2, dim = 64;
  std::string norm = "layer";
  double norm_eps = 1e-5;
  bool bias = true, linear_bias = true;
  bool tied = false, head_bias = false;

  void describe(auto& option) {
    option("layers", layers, {.min = 1, .max = 1000, .doc = "blocks, one above the other"});
    option("heads", heads, {.min = 1, .max = 4096, .doc = "heads of each attention layer"});
    option("dim", dim, {.min = 1, .max = 1 << 20, .doc = "width of the residual stream"});
    option("norm", norm,
           {.choices = {"layer", "rms"}, .doc = "before attention, before feed-forward and before the head"});
    option("norm_eps", norm_eps,
           {.min = 1e-12, .max = 1, .doc = "added to the (mean) square inside the norm's root"});
    option("bias", bias, {.doc = "do linear maps and layer norms have one?"});
    option("linear_bias", linear_bias, {.doc = "false: of the two, only layer norms have one"});
    option("tied", tied, {.doc = "the head's matrix is the embedding's, transposed"});
    option("head_bias", head_bias, {.doc = "does the head have a bias?"});
  }
  bool has_linear_bias() const { return bias && linear_bias; }
};

// Returns the feed-forward that a variant puts into the slot instead of the model's, or nullopt if it keeps
// the model's.
std::optional<Choice> own_feed_forward(const BlockStyle& style, const Choice& slot);

// The row that a sequence with one label is scored by: the mean of all, the first or the last.
enum class Pool { mean, first, last };

// A whole model: the options, the task's shape, and the variants of its parts.
struct ModelSpec {
  ModelOptions options;
  TaskShape shape;
  // Block i takes attention[i % size]: a hybrid stack if there is more than one.
  std::vector<Choice> attention;
  // "none": blocks without one. Else an attention variant's BlockStyle may override it.
  Choice feed_forward{"mlp"};
  Choice positions{"learned"};  // "none": no positions
  Index columns = 0;            // positions in a row of the task's grid (GridTraits); 0: it has none
  // Of an encoder-decoder.
  Index encoder_layers = 0;  // 0: as many as the decoder has
  std::vector<Choice> encoder_attention =
      {};                                    // block i has encoder_attention[i % size]; empty: as the decoder
  std::vector<Choice> cross_attention = {};  // the same
  // Of the output.
  Pool pool = Pool::mean;
  bool expand = false;  // all labels are predicted from the last row (core/model/expansion.h)
  // The tokens may be read in any order (core/model/ordered_positions.h).
  bool ordered = false;
  bool class_token = false;  // a learned row before each sequence; needs one label per sequence
};

}  // namespace heed
