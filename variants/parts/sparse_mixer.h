#pragma once

#include <optional>
#include <tuple>
#include <vector>

#include "core/mixer.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/softmax.h"
#include "variants/parts/sparse_patterns.h"
#include "variants/parts/tiled_mixer.h"

namespace heed {

// What mixers with a fixed pattern have in common. A mixer derives from it, has options.tile, and says
//     Index kinds() const                      how many patterns there are; head h has pattern h % kinds()
//     void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const    BlockPlan or PairCount
// and, where a decoder need not keep all tk keys, `double kept(Index tk) const`; where tiles are better not
// square, `BlockPlan no_tiles(const Mask& mask) const`.
template <class Mixer, class S>
struct SparseMixer : TiledMixer<Mixer, S> {
  // Makes the plans anew when the lengths have changed, or after forget().
  void prepare(Index tq, Index tk, const Mask& mask) {
    if (prepared_ == std::tuple(tq, tk, mask)) return;
    plans_.clear();
    for (Index kind = 0; kind < mixer().kinds(); ++kind) plans_.push_back(planned(kind, tq, tk, mask));
    prepared_ = {tq, tk, mask};
  }

  const BlockPlan& tiles(const Head<S>& in, Memory<S>&) const {
    return plans_[static_cast<std::size_t>(in.index) % plans_.size()];
  }

  // Visible pairs, averaged over the heads' patterns.
  Cost cost(const HeadSize& size) const {
    PairCount count;
    for (Index kind = 0; kind < mixer().kinds(); ++kind)
      mixer().plan(kind, size.tq, size.tk, size.mask, count);
    const double pairs = static_cast<double>(count.pairs()) / static_cast<double>(mixer().kinds());
    const double width = static_cast<double>(size.key + size.value);
    return {2 * pairs * width, 4 * mixer().kept(size.tk) * width};
  }

  double kept(Index tk) const { return static_cast<double>(tk); }
  BlockPlan no_tiles(const Mask&) const { return {mixer().options.tile, mixer().options.tile}; }
  void forget() { prepared_.reset(); }

 private:
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
  BlockPlan planned(Index kind, Index tq, Index tk, const Mask& mask) const {
    BlockPlan plan = mixer().no_tiles(mask);
    mixer().plan(kind, tq, tk, mask, plan);
    return plan;
  }

  std::optional<std::tuple<Index, Index, Mask>> prepared_;
  std::vector<BlockPlan> plans_;
};

}  // namespace heed
