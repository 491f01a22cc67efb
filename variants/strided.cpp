#include "core/register.h"
#include "variants/parts/sparse_mixer.h"

namespace {
using namespace heed;

// The strided Sparse Transformer (Child et al. 2019): the last `stride` keys, every stride-th key before, or
// both. As in the released code, and unlike the paper, there are `stride` local keys including the query's
// own. Derivation: docs/variants/sparse.md.
template <class S>
struct StridedAttention : SparseMixer<StridedAttention<S>, S> {
  struct Options {
    Index stride = 16, tile = kTile;
    std::string mode = "merged";
    void describe(auto& option) {
      option("stride", stride, {.min = 1, .doc = "distance between far keys, and number of local keys"});
      option("mode", mode,
             {.choices = {"merged", "strided", "split"},
              .doc = "keys of a head: merged: local and far; strided: only far; split: local in even heads, "
                     "far in odd heads"});
      describe_tile(option, tile);
    }
  } options;

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }
  Index kinds() const { return options.mode == "split" ? 2 : 1; }

  void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const {
    const bool merged = options.mode == "merged", split = options.mode == "split";
    if (merged || (split && kind == 0)) add_pattern(plan, Local{options.stride}, tq, tk, mask);
    // No order of queries suits both factors, so a second pass adds the far keys that are not local.
    if (!(split && kind == 0))
      add_pattern(plan, Strided{options.stride, merged ? options.stride : 0}, tq, tk, mask);
  }
};
}  // namespace

HEED_MIXER(strided, StridedAttention, "Softmax over local keys and every stride-th key", "Child et al. 2019")
