#include <algorithm>
#include <cstdint>
#include <span>

#include "core/ops/product.h"
#include "core/register.h"
#include "variants/parts/block_groups.h"
#include "variants/parts/block_means.h"
#include "variants/parts/chosen_mixer.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// Mixture of block attention, MoBA (Lu et al. 2025): softmax over the query's own block of keys, and over the
// top_k - 1 earlier blocks with the largest gates.
//     block J: keys J b .. (J + 1) b - 1      own block I = floor(p / b), p: the query's position
//     gate s_J = q . mean_{j in J} k_j for J < I, ties to the lower block
// The own block has no gate: its mean contains the future. Derivation: docs/variants/sparse.md.
template <class S>
struct Moba : ChosenMixer<Moba<S>, S> {
  struct Options {
    Index block = 16, top_k = 3, tile = kTile;
    void describe(auto& option) {
      option("block", block, {.min = 1, .doc = "keys per block"});
      option("top_k", top_k, {.min = 1, .doc = "blocks that a query sees, including its own"});
      describe_tile(option, tile);
    }
  } options;

  Traits traits() const {
    return {.bidirectional = false, .cross = false, .permutation = false, .smooth = false};
  }

  // Kept pairs, and a gate for each query and earlier block.
  Cost cost(const HeadSize& size) const {
    double pairs = 0, gates = 0;
    for (Index i = 0; i < size.tq; ++i) {
      const Index p = i + size.mask.offset, own = p / options.block;
      pairs += static_cast<double>(std::min(own, options.top_k - 1) * options.block + p % options.block + 1);
      gates += static_cast<double>(own);
    }
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    return {2 * pairs * (key + value) + 2 * gates * key, dense_cost(size).state_bytes};
  }

 private:
  friend ChosenMixer<Moba, S>;
  Index kept(const Head<S>& in) const {
    return std::min(options.top_k, (in.k.rows() + options.block - 1) / options.block);
  }
  BlockGroups tiles(const Head<S>& in, std::span<const std::int32_t> chosen, Memory<S>& memory) const {
    return {chosen, kept(in), in.k.rows(), options.tile, in.mask, options.block, memory};
  }

  // Equal blocks have bitwise equal means and gates: each is a sum in the same order.
  std::span<const std::int32_t> choose(const Head<S>& in, Memory<S>& memory) const {
    const Index tq = in.q.rows(), k = kept(in), side = std::min(options.tile, tq);
    const std::span<std::int32_t> chosen = memory.template keep_span<std::int32_t>(tq * k);
    typename Memory<S>::Scope scope(memory);
    const Index earlier = (tq - 1 + in.mask.offset) / options.block;  // blocks before the last query's own
    const Mat<S> means = tile_room(memory, earlier, in.k.cols()), room = tile_room(memory, side, earlier);
    block_means<S>(in.k, options.block, means);
    for (Index first = 0; first < tq; first += side) {
      const Index n = std::min(side, tq - first), gated = (first + n - 1 + in.mask.offset) / options.block;
      const Mat<S> gates = part(room, n, gated);
      product_abt<S>(row_block(in.q, first, n), row_block(means, 0, gated), gates);
      for (Index r = 0; r < n; ++r) {
        const Index i = first + r, own = (i + in.mask.offset) / options.block;
        const auto row_chosen = chosen.subspan(i * k, k);
        const Index others = keep_best(row(gates, r), own, row_chosen.first(std::min(k - 1, own)));
        row_chosen[others] = static_cast<std::int32_t>(own);
        std::fill(row_chosen.begin() + others + 1, row_chosen.end(), -1);
      }
    }
    return chosen;
  }
};
}  // namespace

HEED_MIXER(moba, Moba, "Softmax over the query's own block and the earlier blocks with the largest gates",
           "Lu et al. 2025")
