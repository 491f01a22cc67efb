#include <algorithm>
#include <vector>

#include "core/register.h"
#include "core/rng.h"
#include "variants/parts/sparse_mixer.h"

namespace {
using namespace heed;

// The random blocks of block row I: none of those it sees anyway (neighbors, first and last). Rows that see
// everything, and rows with too few blocks left, are filled with block 0, which adds nothing.
//     x (heads * blocks, randoms), row by row
void draw_blocks(Draws& draws, std::span<double> x, Index blocks, Index randoms) {
  for (std::size_t at = 0; at < x.size(); at += static_cast<std::size_t>(randoms)) {
    const Index row = static_cast<Index>(at) / randoms % blocks;
    // The others are 1 .. blocks - 2 without the neighbors near .. far - 1, and are counted, not listed: a
    // list for each row would make this quadratic in the length.
    const bool sees_everything = row == 0 || row == blocks - 1;
    const Index near = std::max<Index>(row - 1, 1), far = std::min(row + 2, blocks - 1);
    const Index others = sees_everything ? 0 : blocks - 2 - (far - near);
    const std::vector<Index> chosen = draws.sample(others, std::min(randoms, others));
    const auto block = [&](Index other) { return 1 + other < near ? 1 + other : 1 + other + far - near; };
    for (std::size_t n = 0; n < static_cast<std::size_t>(randoms); ++n)
      x[at + n] = n < chosen.size() ? static_cast<double>(block(chosen[n])) : 0;
  }
}

// BigBird (Zaheer et al. 2020): in blocks of positions, each row sees its neighbors, the first and the last
// block, and a few random ones; the first and the last block see everything. The pattern is a union: a block
// that is named twice counts once. A causal mask takes the future away from all of it. Derivation:
// docs/variants/sparse.md.
//
// The random blocks are drawn once for each layer and head, for the longest sequence, and saved with the
// weights as `random_blocks` (heads * blocks, random): row h * blocks + I is that of head h and block row I.
// A shorter sequence ends in its own last block.
template <class S>
struct BigBirdAttention : SparseMixer<BigBirdAttention<S>, S> {
  struct Options {
    Index block = 16, random = 2, tile = kTile;
    void describe(auto& option) {
      option("block", block, {.min = 1, .doc = "positions per block"});
      option("random", random, {.min = 0, .doc = "random blocks per block row"});
      describe_tile(option, tile);
    }
  } options;

  Traits traits() const { return {.cross = false, .permutation = false}; }
  Index kinds() const { return heads_; }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    heads_ = spec.heads;
    blocks_ = std::max<Index>(1, (spec.length + options.block - 1) / options.block);
    if (options.random == 0) return;
    const auto draw = [blocks = blocks_, randoms = options.random](Draws& draws, std::span<double> x) {
      draw_blocks(draws, x, blocks, randoms);
    };
    table_ =
        params.declare("random_blocks", heads_ * blocks_, options.random, Init::drawn(draw), Role::fixed);
    // Costs are asked for before there are values; any draw has nearly the same.
    typical_.resize(static_cast<std::size_t>(heads_ * blocks_ * options.random));
    std::vector<double> drawn(typical_.size());
    Draws draws = Rng(0, "a typical table").at(0);
    draw(draws, drawn);
    std::transform(drawn.begin(), drawn.end(), typical_.begin(), [](double x) { return static_cast<S>(x); });
  }

  void prepare(Index tq, Index tk, const Mask& mask) {
    if (table_) {
      const Mat<S> now = table_.value();
      if (!std::equal(table_in_use_.begin(), table_in_use_.end(), now.data(), now.data() + now.size()))
        table_in_use_.assign(now.data(), now.data() + now.size()), this->forget();
    }
    SparseMixer<BigBirdAttention, S>::prepare(tq, tk, mask);
  }

  void plan(Index head, Index tq, Index tk, const Mask& mask, auto& plan) const {
    const Index positions = std::max(tk, tq + mask.offset);
    const Index blocks = (positions + options.block - 1) / options.block;
    HEED_CHECK(blocks <= blocks_, "a sequence is longer than the model was built for");
    const std::vector<S>& table = table_in_use_.empty() ? typical_ : table_in_use_;
    const auto random = [&](Index row, Index n) {
      return static_cast<Index>(table[static_cast<std::size_t>((head * blocks_ + row) * options.random + n)]);
    };
    add_pattern(plan, BigBird{options.block, blocks - 1, options.random, random}, tq, tk, mask);
  }

 private:
  Index heads_ = 1, blocks_ = 1;
  Param<S> table_;
  std::vector<S> table_in_use_, typical_;
};
}  // namespace

HEED_MIXER(bigbird, BigBirdAttention, "Softmax over neighboring, global and random blocks",
           "Zaheer et al. 2020")
