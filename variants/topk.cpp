#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>

#include "core/register.h"
#include "variants/parts/softmax.h"
#include "variants/parts/tiled_softmax.h"

namespace {
using namespace heed;

// Which keys each query has chosen, as tiles: a tile of queries visits the keys that one of them chose. Made
// on the way, from the lists; never a table of (Tq,Tk).
class ChosenTiles {
 public:
  // chosen (Tq,k): each row's keys in ascending order, then -1
  ChosenTiles(std::span<const std::int32_t> chosen, Index k, Index tk, Index side)
      : chosen_(chosen),
        k_(k),
        tk_(tk),
        tq_(k ? std::ssize(chosen) / k : 0),
        side_(std::clamp<Index>(side, 1, std::max<Index>({tq_, tk, 1}))) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return tq_ > 0; }
  Index count() const { return (tq_ + side_ - 1) / side_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Rows queries{nullptr, t * side_, std::min(side_, tq_ - t * side_)};
    const auto at =
        memory.template temp_span<std::int32_t>(tk_);  // of a key among the tile's keys; -1: not there
    const auto keys = memory.template temp_span<std::int32_t>(tk_);
    std::fill(at.begin(), at.end(), -1);
    for (Index r = 0; r < queries.size; ++r) each(queries[r], [&](std::int32_t j) { at[j] = 0; });
    Index n = 0;
    for (std::int32_t j = 0; j < tk_; ++j)
      if (at[j] == 0) at[j] = static_cast<std::int32_t>(n), keys[n++] = j;

    const auto tiles = memory.template temp_span<KeyTile>((n + side_ - 1) / side_);
    const Index words = words_of(side_), tile_bits = queries.size * words;
    const auto bits = memory.template temp_span<std::uint64_t>(std::ssize(tiles) * tile_bits);
    std::fill(bits.begin(), bits.end(), 0);
    for (Index r = 0; r < queries.size; ++r)
      each(queries[r], [&](std::int32_t j) {
        const Index u = at[j] / side_, c = at[j] % side_, size = std::min(side_, n - u * side_);
        bits[u * tile_bits + r * words_of(size) + c / 64] |= std::uint64_t{1} << c % 64;
      });
    for (Index u = 0; u < std::ssize(tiles); ++u) {
      const Index size = std::min(side_, n - u * side_);
      const auto own = bits.subspan(u * tile_bits, tile_bits);
      const Index seen = std::accumulate(own.begin(), own.end(), Index{0},
                                         [](Index sum, std::uint64_t w) { return sum + std::popcount(w); });
      std::construct_at(
          &tiles[u], KeyTile{{keys.data() + u * side_, 0, size}, seen == queries.size * size, 0, own.data()});
    }
    return {queries, tiles};
  }

 private:
  template <class F>
  void each(Index i, F&& f) const {
    for (const std::int32_t j : chosen_.subspan(i * k_, k_)) {
      if (j < 0) return;
      f(j);
    }
  }

  std::span<const std::int32_t> chosen_;
  Index k_, tk_, tq_, side_;
};

// Top-k attention: softmax over the k largest visible scores of each row, ties to the lower key; fewer where
// fewer are visible. The gradient takes the choice for granted, so there is a kink wherever it changes. The
// choice looks at every visible score: only the weighted sum is sparse. Derivation: docs/variants/sparse.md.
template <class S>
struct TopK {
  struct Options {
    Index k = 8, tile = kTile;
    void describe(auto& option) {
      option("k", k, {.min = 1, .doc = "keys per query"});
      describe_tile(option, tile);
    }
  } options;

  struct Saved {
    Mat<S> o, lse;
    std::span<const std::int32_t> chosen;  // (Tq, min(k,Tk)), see ChosenTiles
  };

  Traits traits() const { return {.smooth = false}; }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Saved saved{o, memory.keep(1, in.q.rows()), choose(in, memory)};
    softmax_forward(map(in), tiles(in, saved), saved.o, saved.lse, memory);
    return saved;
  }

  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    softmax_backward<S>(map(in), tiles(in, saved), saved.o, saved.lse, d_o, grad.q, grad.k, grad.v, memory);
  }

  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    softmax_weights<S>(map(in), tiles(in, saved), saved.lse, p, memory);
  }

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
  static Index seen_by(Index i, Index tk, const Mask& mask) {  // the first so many keys
    return mask.causal ? std::clamp<Index>(i + mask.offset + 1, 0, tk) : tk;
  }
  Index kept(const Head<S>& in) const { return std::min(options.k, in.k.rows()); }
  SoftmaxMap<S> map(const Head<S>& in) const {
    const double tau = 1 / std::sqrt(static_cast<double>(in.q.cols()));
    return {in.q, in.k, in.v, static_cast<S>(tau), in.slope, shift_of(in.mask), nullptr, in.dropout};
  }
  ChosenTiles tiles(const Head<S>& in, const Saved& saved) const {
    return {saved.chosen, kept(in), in.k.rows(), options.tile};
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
      detail::load_queries(map(in), tile.queries, q_t);
      for (const KeyTile& keys : tile.keys) {
        const Mat<S> s = part(s_room, n, keys.keys.size);
        k.choose(keys.keys);
        detail::tile_scores(map(in), tile.queries, keys, q_t, k, s);
        part(scores, n, tk).middleCols(keys.keys.first, keys.keys.size) = s;
      }
      for (Index r = 0; r < n; ++r) {
        const Index i = tile.queries[r];
        keep_best(row(scores, r), seen_by(i, tk, in.mask), chosen.subspan(i * n_kept, n_kept));
      }
    }
    return chosen;
  }

  // chosen = the best of the first `seen` keys, ascending, then -1
  static void keep_best(TileRow<S> score, Index seen, std::span<std::int32_t> chosen) {
    // A score that is not a number comes first: so it shows in the output, and there is an order to choose
    // by.
    for (S& s : std::span(score.data(), static_cast<std::size_t>(seen)))
      s = std::isnan(s) ? std::numeric_limits<S>::infinity() : s;
    const auto better = [&](std::int32_t a, std::int32_t b) {
      return score(a) != score(b) ? score(a) > score(b) : a < b;
    };
    // A heap with the worst of the chosen in front; a later key must be truly better to get in.
    auto end = chosen.begin();
    for (std::int32_t j = 0; j < seen; ++j) {
      if (end != chosen.end()) {
        *end++ = j;
        std::push_heap(chosen.begin(), end, better);
      } else if (score(j) > score(chosen.front())) {
        std::pop_heap(chosen.begin(), end, better);
        chosen.back() = j;
        std::push_heap(chosen.begin(), end, better);
      }
    }
    std::sort(chosen.begin(), end);
    std::fill(end, chosen.end(), -1);
  }
};
}  // namespace

HEED_MIXER(topk, TopK, "Softmax over the k largest scores of each row", "Zhao et al. 2019")
