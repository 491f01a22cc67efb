#include "core/register.h"
#include "variants/parts/sparse_mixer.h"

namespace {
using namespace heed;

// The fixed Sparse Transformer (Child et al. 2019): a query sees its own segment and the summary columns of
// all earlier ones. As in the released code, a head's summary columns are those of its slot, h mod slots,
// counted from the end of a segment. Derivation: docs/variants/sparse.md.
template <class S>
struct FixedAttention : SparseMixer<FixedAttention<S>, S> {
  struct Options {
    Index segment = 16, summary = 2, slots = 1, tile = kTile;
    void describe(auto& option) {
      option("segment", segment, {.min = 1, .doc = "positions per segment"});
      option("summary", summary, {.min = 1, .doc = "columns of each segment that all later queries see"});
      option("slots", slots, {.min = 1, .doc = "groups of summary columns; head h takes group h mod slots"});
      describe_tile(option, tile);
    }
    void check(const Refuse& refuse) const {
      if (summary * slots > segment) refuse("summary", "summary * slots must not exceed segment");
    }
  } options;

  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }
  Index kinds() const { return options.slots; }

  void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const {
    add_pattern(plan, Fixed{options.segment, options.summary, kind}, tq, tk, mask);
  }
};
}  // namespace

HEED_MIXER(fixed, FixedAttention, "Softmax over the query's segment and summary columns", "Child et al. 2019")
