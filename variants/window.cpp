#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/register.h"
#include "variants/parts/band_tiles.h"
#include "variants/parts/ring_kernel.h"
#include "variants/parts/sparse_mixer.h"

namespace {
using namespace heed;

// Sliding-window attention with global positions (Beltagy et al. 2020, Longformer). `size` keys to each side;
// a causal mask leaves those to the left. Derivation: docs/variants/sparse.md.
template <class S>
struct WindowAttention : SparseMixer<WindowAttention<S>, S> {
  struct Options {
    Index size = 16, left = -1, right = -1, tile = kTile;
    std::vector<Index> global = {};
    void describe(auto& option) {
      option("size", size, {.min = 0, .doc = "keys that a query sees on each side, besides its own"});
      option("left", left, {.min = -1, .doc = "keys on the left, if different; -1: size"});
      option("right", right, {.min = -1, .doc = "keys on the right, if different; -1: size"});
      option("global", global, {.doc = "positions that see all and are seen by all"});
      describe_tile(option, tile);
    }
    void check(const Refuse& refuse) const {
      for (Index position : global)
        if (position < 0) refuse("global", "positions count from 0");
    }
  } options;

  // A global position would be needed by all ranks.
  Splits splits() const { return options.global.empty() ? Splits::any : Splits::none; }
  std::unique_ptr<HeadKernel<S>> divided(const HeadLoop<WindowAttention, S>& whole,
                                         const ContextParallel& parallel) const {
    return std::make_unique<RingKernel<WindowAttention, S>>(whole, parallel);
  }
  BandTiles block_tiles(const RingBlock<S>& block, Memory<S>&) const {
    const Head<S>& in = block.head;
    return {in.q.rows(), in.k.rows(), in.mask, left(), right(), options.tile};
  }

  Traits traits() const { return {.permutation = false}; }
  Index kinds() const { return 1; }

  void plan(Index, Index tq, Index tk, const Mask& mask, auto& plan) const {
    std::vector<Index> global = options.global;
    std::sort(global.begin(), global.end());
    global.erase(std::unique(global.begin(), global.end()), global.end());
    add_pattern(plan, Window{left(), right(), std::move(global)}, tq, tk, mask);
  }

  // A global position may come late, and sees all keys.
  Index kept_keys(Index tk) const { return options.global.empty() ? std::min(tk, left() + 1) : tk; }

 private:
  Index left() const { return options.left < 0 ? options.size : options.left; }
  Index right() const { return options.right < 0 ? options.size : options.right; }
};
}  // namespace

HEED_MIXER(window, WindowAttention, "Softmax over a sliding window and global positions",
           "Beltagy et al. 2020")
