#include <algorithm>
#include <cstdint>
#include <span>

#include "core/register.h"
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
  ChosenTiles tiles(const Head<S>& in, std::span<const std::int32_t> chosen) const {
    return {chosen, kept(in), in.k.rows(), options.tile};
  }

  // The scores of one tile of queries at a time, then the k best of each row.
  std::span<const std::int32_t> choose(const Head<S>& in, Memory<S>& memory) const {
    const Index tk = in.k.rows(), n_kept = kept(in), d = in.q.cols();
    const std::span<std::int32_t> chosen = memory.template keep_span<std::int32_t>(in.q.rows() * n_kept);
    typename Memory<S>::Scope scope(memory);
    const DenseTiles dense(in.q.rows(), tk, in.mask, options.tile);
    const Index height = dense.height(), width = dense.width();
    const Mat<S> q_room = tile_room(memory, height, d);
    TurnedRows<S> k(in.k, width, memory);
    const Mat<S> s_room = tile_room(memory, height, width), scores = tile_room(memory, height, tk);
    for (Index t = 0; t < dense.count(); ++t) {
      typename Memory<S>::Scope tile_scope(memory);
      const QueryTile tile = dense.tile(t, memory);
      const Index n = tile.queries.size;
      const Mat<S> q_t = part(q_room, n, d);
      detail::load_queries(this->map(in), tile.queries, q_t);
      for (const KeyTile& keys : tile.keys) {
        const Mat<S> s = part(s_room, n, keys.keys.size);
        k.choose(keys.keys);
        detail::tile_scores(this->map(in), tile.queries, keys, q_t, k, s);
        part(scores, n, tk).middleCols(keys.keys.first, keys.keys.size) = s;
      }
      for (Index r = 0; r < n; ++r) {
        const Index i = tile.queries[r];
        keep_best(row(scores, r), seen_by(i, tk, in.mask), chosen.subspan(i * n_kept, n_kept));
      }
    }
    return chosen;
  }
};
}  // namespace

HEED_MIXER(topk, TopK, "Softmax over the k largest scores of each row", "Zhao et al. 2019")
