#include <algorithm>
#include <cstdint>
#include <span>

#include "core/register.h"
#include "variants/parts/best_keys.h"
#include "variants/parts/chosen_mixer.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// Top-k attention: softmax over the k largest visible scores of each row, ties to the lower key; fewer where
// fewer are visible. The gradient takes the choice for granted, so there is a kink wherever it changes. The
// choice looks at every visible score: only the weighted sum is sparse. Derivation: docs/variants/sparse.md.
template <class S>
struct TopK : ChosenMixer<TopK<S>, S> {
  struct Options {
    Index k = 8, tile = kTile;
    void describe(auto& option) {
      option("k", k, {.min = 1, .doc = "keys per query"});
      describe_tile(option, tile);
    }
  } options;

  Traits traits() const { return {.smooth = false}; }

  // Every visible score, then scores once more and values for the chosen ones.
  Cost cost(const HeadSize& size) const {
    const auto pairs_of = [&](Index most) {  // where each query looks at so many keys at most
      return static_cast<double>(visible_pairs(size.tq, most, size.mask));
    };
    const double visible = pairs_of(size.tk), kept = pairs_of(std::min(size.tk, options.k));
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    return {2 * visible * key + 2 * kept * (key + value), dense_cost(size).state_bytes};
  }

 private:
  friend ChosenMixer<TopK, S>;
  Index kept(const Head<S>& in) const { return std::min(options.k, in.k.rows()); }
  ChosenTiles tiles(const Head<S>& in, std::span<const std::int32_t> chosen, Memory<S>&) const {
    return {chosen, kept(in), options.tile};
  }

  std::span<const std::int32_t> choose(const Head<S>& in, Memory<S>& memory) const {
    const auto seen = [&](Index i) { return seen_by(i, in.k.rows(), in.mask); };
    return best_keys(this->map(in), kept(in), options.tile, seen, memory);
  }
};
}  // namespace

HEED_MIXER(topk, TopK, "Softmax over the k largest scores of each row", "Zhao et al. 2019")
