#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <vector>

#include "core/mixer.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/softmax.h"
#include "variants/parts/sparse_patterns.h"
#include "variants/parts/tiled_mixer.h"

namespace heed {

// Shared code of mixers with a fixed pattern. A mixer derives from it, has options.tile, and defines
//     Index kinds() const                      number of patterns; head h has pattern h % kinds()
//     void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const    BlockPlan or PairCount
// Optional: `Index kept_keys(Index tk) const` if a decoder need not keep all keys.
template <class Mixer, class S>
struct SparseMixer : TiledMixer<Mixer, S> {
  SparseMixer() = default;
  SparseMixer(SparseMixer&&) noexcept = default;
  SparseMixer(const SparseMixer& other) : TiledMixer<Mixer, S>(other), heads_(other.heads_) {}  // no plans
  SparseMixer& operator=(const SparseMixer&) = delete;
  ~SparseMixer() = default;

  // Makes plans for new lengths, or for all lengths after forget().
  void prepare(Index tq, Index tk, const Mask& mask) {
    std::vector<BlockPlan>& plans = prepared_[{tq, tk, mask.causal, mask.offset}];
    for (Index kind = std::ssize(plans); kind < mixer().kinds(); ++kind)
      plans.push_back(planned(kind, tq, tk, mask));
    plans_ = &plans;
  }

  const BlockPlan& tiles(const Head<S>& in, Memory<S>&) const {
    return (*plans_)[static_cast<std::size_t>(in.index) % plans_->size()];
  }

  void declare(const LayerSpec<S>& spec, Params<S>&) { heads_ = spec.heads; }

  // Returns the visible pairs, averaged over the heads. (With 2 patterns, 3 heads use the first one twice.)
  Cost cost(const HeadSize& size) const {
    const Index kinds = mixer().kinds(), heads = heads_ > 0 ? heads_ : kinds;
    double pairs = 0;
    for (Index kind = 0; kind < std::min(kinds, heads); ++kind) {
      PairCount count;
      mixer().plan(kind, size.tq, size.tk, size.mask, count);
      const Index heads_of_kind = (heads - kind + kinds - 1) / kinds;
      pairs += static_cast<double>(count.pairs() * heads_of_kind);
    }
    pairs /= static_cast<double>(heads);
    const double width = static_cast<double>(size.key + size.value);
    return {2 * pairs * width, 4 * static_cast<double>(mixer().kept_keys(size.tk)) * width};
  }

  Index kept_keys(Index tk) const { return tk; }
  void forget() { prepared_.clear(); }

 private:
  const Mixer& mixer() const { return static_cast<const Mixer&>(*this); }
  BlockPlan planned(Index kind, Index tq, Index tk, const Mask& mask) const {
    BlockPlan plan(mixer().options.tile);
    mixer().plan(kind, tq, tk, mask, plan);
    return plan;
  }

  Index heads_ = 0;  // 0: each pattern has as many
  std::map<std::tuple<Index, Index, bool, Index>, std::vector<BlockPlan>> prepared_;
  const std::vector<BlockPlan>* plans_ = nullptr;  // of the latest prepare()
};

}  // namespace heed
