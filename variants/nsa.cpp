#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/ops/product.h"
#include "core/register.h"
#include "variants/parts/block_groups.h"
#include "variants/parts/block_means.h"
#include "variants/parts/chosen_tiles.h"
#include "variants/parts/complete_blocks.h"
#include "variants/parts/sparse_mixer.h"

namespace {
using namespace heed;

// Native sparse attention, NSA (Yuan et al. 2025), in the form of flash-linear-attention with mean
// compression: three softmax branches over the same q, k, v, each with a gate for each query and head.
//     compressed  keys and values are means of complete blocks, which end at the query or before it
//     selected    blocks 0, I - 1 and I (the query's own), and those with the largest compressed weights
//                 (summed over the heads that share the keys); ties to the lower block
//     window      the last `window` keys
//     o = g_c o_c + g_s o_s + g_w o_w      g = sigmoid(input)
// ALiBi acts on the selected keys and the window. The gradient takes the selection as constant. Derivation:
// docs/variants/sparse.md.
template <class S>
struct Nsa : SparseMixer<Nsa<S>, S> {
  struct Options {
    Index block = 8, blocks = 4, window = 16, key_heads = 0, tile = kTile;
    void describe(auto& option) {
      option("block", block, {.min = 1, .doc = "keys per block"});
      option("blocks", blocks, {.min = 3, .doc = "selected blocks, including the first and the last two"});
      option("window", window, {.min = 1, .doc = "keys of the window, including the query's own"});
      option("key_heads", key_heads,
             {.min = 0,
              .doc = "heads of keys and values, shared by the query heads; must divide heads; 0: as many"});
      describe_tile(option, tile);
    }
  } options;

  struct Branch {
    Mat<S> o, lse;  // (Tq,V) (1,Tq)
  };
  struct Saved {
    Branch branches[3];                    // compressed, selected, window
    Mat<S> gates;                          // (Tq,3)
    ConstMat<S> mean_k, mean_v;            // (complete blocks, D), (complete blocks, V)
    std::span<const std::int32_t> chosen;  // see ChosenTiles
  };

  Traits traits() const {
    return {.bidirectional = false, .cross = false, .permutation = false, .smooth = false};
  }

  HeadShape shape(const LayerSpec<S>& spec) const {
    require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {spec.heads, width, width, 1, options.key_heads};
  }

  std::vector<MixerInput> inputs(const LayerSpec<S>&) const {
    return {{.name = "gate_compressed"}, {.name = "gate_selected"}, {.name = "gate_window"}};
  }

  // The window's tiles, of SparseMixer.
  Index kinds() const { return 1; }
  void plan(Index, Index tq, Index tk, const Mask& mask, auto& plan) const {
    add_pattern(plan, Window{options.window - 1, 0}, tq, tk, mask);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index tq = in.q.rows(), n = complete_blocks(in.k.rows(), options.block);
    const auto branch = [&] { return Branch{kept_room(memory, tq, o.cols()), memory.keep(1, tq)}; };
    const Mat<S> mean_k = kept_room(memory, n, in.k.cols()), mean_v = kept_room(memory, n, in.v.cols());
    block_means<S>(in.k, options.block, mean_k);
    block_means<S>(in.v, options.block, mean_v);
    Saved saved{
        {branch(), branch(), branch()}, memory.keep(tq, 3), mean_k, mean_v, select(in, mean_k, memory)};
    each_branch(in, saved, memory, [&](Index b, const SoftmaxMap<S>& map, const auto& tiles) {
      softmax_forward(map, tiles, saved.branches[b].o, saved.branches[b].lse, memory);
    });
    o.setZero();
    for (Index b = 0; b < 3; ++b)
      for (Index i = 0; i < tq; ++i) {
        saved.gates(i, b) = static_cast<S>(1 / (1 + std::exp(-static_cast<double>(in.input(b)(i, 0)))));
        o.row(i) += saved.gates(i, b) * saved.branches[b].o.row(i);
      }
    return saved;
  }

  // dinput_b = g_b (1 - g_b) do.o_b      do_b = g_b do      block means spread their gradients evenly
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Mat<S> d_mean_k = zeros(memory, saved.mean_k.rows(), in.k.cols());
    const Mat<S> d_mean_v = zeros(memory, saved.mean_v.rows(), in.v.cols());
    const Mat<S> d_branch = tile_room(memory, d_o.rows(), d_o.cols());
    each_branch(in, saved, memory, [&](Index b, const SoftmaxMap<S>& map, const auto& tiles) {
      const Branch& branch = saved.branches[b];
      Mat<S> d_gate = grad.input(b), scaled = d_branch;
      for (Index i = 0; i < d_o.rows(); ++i) {
        const S gate = saved.gates(i, b);
        d_gate(i, 0) += gate * (1 - gate) * d_o.row(i).dot(branch.o.row(i));
        scaled.row(i) = gate * d_o.row(i);
      }
      const bool compressed = b == 0;
      softmax_backward<S>(map, tiles, branch.o, branch.lse, scaled, grad.q, compressed ? d_mean_k : grad.k,
                          compressed ? d_mean_v : grad.v, memory);
    });
    block_means_backward<S>(d_mean_k, options.block, grad.k);
    block_means_backward<S>(d_mean_v, options.block, grad.v);
  }

  // o = p v: the compressed weight of a block is spread over its keys.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    p.setZero();
    each_branch(in, saved, memory, [&](Index b, const SoftmaxMap<S>& map, const auto& tiles) {
      const Index keys = map.k.rows(), spread = b == 0 ? options.block : 1;
      Mat<S> own = memory.temp(p.rows(), keys);
      softmax_weights<S>(map, tiles, saved.branches[b].lse, own, memory);
      for (Index i = 0; i < p.rows(); ++i)
        for (Index j = 0; j < keys * spread; ++j)
          p(i, j) += saved.gates(i, b) * own(i, j / spread) / static_cast<S>(spread);
    });
  }

  // Pairs of each branch, and the compressed scores of all heads that share the keys, which each head makes
  // again for the selection.
  Cost cost(const HeadSize& size) const {
    double pairs = 0, compressed = 0;
    for (Index i = 0; i < size.tq; ++i) {
      const Index p = i + size.mask.offset, own = p / options.block, complete = (p + 1) / options.block;
      compressed += static_cast<double>(complete);
      pairs += static_cast<double>(std::min(options.window, p + 1));
      pairs += static_cast<double>(std::min(own, options.blocks - 1) * options.block + p % options.block + 1);
    }
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    const auto group = static_cast<double>(group_);
    return {2 * (pairs + compressed) * (key + value) + 2 * compressed * key * group,
            dense_cost(size).state_bytes};
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    SparseMixer<Nsa, S>::declare(spec, params);
    if (options.key_heads > 0) group_ = spec.heads / options.key_heads;
  }

 private:
  // Calls f(branch, map, tiles).
  void each_branch(const Head<S>& in, const Saved& saved, Memory<S>& memory, auto&& f) const {
    const auto map = [&](ConstMat<S> k, ConstMat<S> v, S slope) {
      return SoftmaxMap<S>{in.q, k, v, scale_of(in), slope, in.mask.offset, nullptr, in.dropout};
    };
    const Index tq = in.q.rows(), tk = in.k.rows();
    f(0, map(saved.mean_k, saved.mean_v, 0),
      CompleteBlockTiles(tq, tk, in.mask, options.block, options.tile));
    f(1, map(in.k, in.v, in.slope),
      BlockGroups(saved.chosen, kept(tk), tk, options.tile, in.mask, options.block, memory));
    f(2, map(in.k, in.v, in.slope), this->tiles(in, memory));
  }

  static S scale_of(const Head<S>& in) {
    return static_cast<S>(1 / std::sqrt(static_cast<double>(in.q.cols())));
  }
  Index kept(Index tk) const { return std::min(options.blocks, (tk + options.block - 1) / options.block); }

  // The blocks of each query. Each sum over heads has the same order, so equal blocks have bitwise equal
  // sums.
  std::span<const std::int32_t> select(const Head<S>& in, In<S> mean_k, Memory<S>& memory) const {
    const Index tq = in.q.rows(), k = kept(in.k.rows()), side = std::min(options.tile, tq);
    const std::span<std::int32_t> chosen = memory.template keep_span<std::int32_t>(tq * k);
    typename Memory<S>::Scope scope(memory);
    const Mat<S> sum_room = tile_room(memory, side, mean_k.rows()),
                 p_room = tile_room(memory, side, mean_k.rows());
    for (Index first = 0; first < tq; first += side) {
      const Index n = std::min(side, tq - first);
      const Index seen = std::min((first + n + in.mask.offset) / options.block, mean_k.rows());
      Mat<S> sum = part(sum_room, n, seen);
      sum.setZero();
      for (Index h = in.index / group_ * group_; h < (in.index / group_ + 1) * group_; ++h) {
        const Mat<S> p = part(p_room, n, seen);
        product_abt<S>(row_block(in.queries(in.batch, h), first, n), row_block(mean_k, 0, seen), p);
        for (Index r = 0; r < n; ++r) add_weights(in, first + r, row(p, r), row(sum, r));
      }
      for (Index r = 0; r < n; ++r)
        choose(first + r + in.mask.offset, row(sum, r), chosen.subspan((first + r) * k, k));
    }
    return chosen;
  }

  // sum += softmax of a query's compressed scores, over the complete blocks that it sees
  void add_weights(const Head<S>& in, Index i, TileRow<S> score, TileRow<S> sum) const {
    const Index seen = (i + in.mask.offset + 1) / options.block;
    if (seen == 0) return;
    const S tau = scale_of(in), max = score.head(seen).maxCoeff();
    score.head(seen) = (tau * (score.head(seen) - max)).exp();
    sum.head(seen) += score.head(seen) / score.head(seen).sum();
  }

  // chosen = blocks 0, I - 1 and I, and the best of those between, ascending, then -1
  void choose(Index p, TileRow<S> sum, std::span<std::int32_t> chosen) const {
    const Index own = p / options.block, between = std::min(options.blocks - 3, own - 2);
    std::fill(chosen.begin(), chosen.end(), -1);
    std::size_t n = 1;
    chosen[0] = 0;
    if (between > 0) {
      sum(0) = -std::numeric_limits<S>::infinity();  // is in already
      n += static_cast<std::size_t>(
          keep_best(sum, own - 1, chosen.subspan(1, static_cast<std::size_t>(between))));
    }
    for (Index block = std::max<Index>(own - 1, 1); block <= own; ++block)
      chosen[n++] = static_cast<std::int32_t>(block);
  }

  Index group_ = 1;  // query heads that share a key head
};
}  // namespace

HEED_MIXER(nsa, Nsa, "Block means, selected blocks and a window, with gates (NSA)", "Yuan et al. 2025")
