#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/mixer.h"
#include "core/register.h"
#include "variants/parts/best_keys.h"
#include "variants/parts/chosen_tiles.h"
#include "variants/parts/joined_softmax.h"
#include "variants/parts/own_keys.h"
#include "variants/parts/segment_tiles.h"
#include "variants/parts/sigmoid.h"
#include "variants/parts/softmax.h"

namespace {
using namespace heed;

// Nearest-neighbor memory over the earlier segments of a sequence (Wu et al. 2022). Positions are divided
// into segments of S. A query at p attends to the keys of its own segment, causally, and to the k keys with
// the largest scores among those stored: all keys before its segment. These, and their values, are constants:
// no gradient goes into the store.
//     gate:           o = g o_mem + (1 - g) o_local, g = sigmoid(b) of each head; o = o_local if nothing is
//                     stored
//     joint_softmax:  one softmax over local and retrieved keys
// ALiBi acts on local scores only. Derivation: docs/variants/memory.md.
template <class S>
struct KnnMemory {
  struct Options {
    Index neighbors = 8, segment = 16, tile = kTile;
    std::string combine = "gate";
    void describe(auto& option) {
      option("neighbors", neighbors, {.min = 1, .doc = "k: stored keys that a query retrieves"});
      option("segment", segment,
             {.min = 2, .doc = "S: positions of a segment; keys of earlier segments are stored"});
      option("combine", combine,
             {.choices = {"gate", "joint_softmax"},
              .doc = "mix the local and the retrieved values by a learned gate of each head, or put both in "
                     "one softmax"});
      describe_tile(option, tile);
    }
  } options;

  struct Part {
    Mat<S> o, lse;  // (Tq,V) (1,Tq)
  };
  struct Saved {
    Part local, store;                     // with joint_softmax, local is the joint softmax
    std::span<const std::int32_t> chosen;  // see ChosenTiles
  };

  Traits traits() const {
    return {.bidirectional = false, .cross = false, .permutation = false, .smooth = false};
  }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    if (gated()) gate_ = params.declare("gate_logit", spec.heads, 1, Init::zeros(), Role::undecayed);
  }
  std::vector<Param<S>> head_params() const { return {gate_}; }

  void prepare(Index tq, Index tk, const Mask& mask) const {
    require_own_keys("nearest-neighbor memory", tq, tk, mask);
  }

  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Index tq = o.rows(), width = o.cols();
    const auto chosen = best_keys(
        store_map(in), kept(in), options.tile, [&](Index i) { return stored(i + in.mask.offset); }, memory);
    Saved saved{{gated() ? kept_room(memory, tq, width) : o, memory.keep(1, tq)},
                {kept_room(memory, tq, width), memory.keep(1, tq)},
                chosen};
    softmax_forward(local_map(in), local_tiles(in), saved.local.o, saved.local.lse, memory);
    softmax_forward(store_map(in), store_tiles(in, chosen), saved.store.o, saved.store.lse, memory);
    if (!gated()) {
      join_softmax<S>(saved.store.o, saved.store.lse, saved.local.o, saved.local.lse);
      return saved;
    }
    for (Index i = 0; i < tq; ++i) {
      const S g = gate(in, saved, i);
      o.row(i) = g * saved.store.o.row(i) + (1 - g) * saved.local.o.row(i);
    }
    return saved;
  }

  // Gate:    do_local = (1 - g) do   do_mem = g do   db += g (1 - g) do.(o_mem - o_local)
  // The gradients of stored keys and values are made and dropped.
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Index tq = d_o.rows(), width = d_o.cols();
    const Mat<S> dropped_k = zeros(memory, in.k.rows(), in.k.cols());
    const Mat<S> dropped_v = zeros(memory, in.v.rows(), width);
    if (!gated()) {
      softmax_backward<S>(local_map(in), local_tiles(in), saved.local.o, saved.local.lse, d_o, grad.q, grad.k,
                          grad.v, memory);
      softmax_backward<S>(store_map(in), store_tiles(in, saved.chosen), saved.local.o, saved.local.lse, d_o,
                          grad.q, dropped_k, dropped_v, memory);
      return;
    }
    Mat<S> d_local = tile_room(memory, tq, width), d_store = tile_room(memory, tq, width);
    S& d_gate = grad.param(gate_)(0, 0);
    for (Index i = 0; i < tq; ++i) {
      const S g = gate(in, saved, i);
      d_local.row(i) = (1 - g) * d_o.row(i);
      d_store.row(i) = g * d_o.row(i);
      d_gate += g * (1 - g) * d_o.row(i).dot(saved.store.o.row(i) - saved.local.o.row(i));
    }
    softmax_backward<S>(local_map(in), local_tiles(in), saved.local.o, saved.local.lse, d_local, grad.q,
                        grad.k, grad.v, memory);
    softmax_backward<S>(store_map(in), store_tiles(in, saved.chosen), saved.store.o, saved.store.lse, d_store,
                        grad.q, dropped_k, dropped_v, memory);
  }

  // o = p v: local and retrieved keys of a query are different keys.
  void weights(const Head<S>& in, const Saved& saved, Mat<S> p, Memory<S>& memory) const {
    Mat<S> of_store = memory.temp(p.rows(), p.cols());
    softmax_weights<S>(local_map(in), local_tiles(in), saved.local.lse, p, memory);
    softmax_weights<S>(store_map(in), store_tiles(in, saved.chosen),
                       gated() ? saved.store.lse : saved.local.lse, of_store, memory);
    for (Index i = 0; i < p.rows(); ++i) {
      const S g = gated() ? gate(in, saved, i) : S(0);
      p.row(i) = (1 - g) * p.row(i) + (gated() ? g : S(1)) * of_store.row(i);
    }
  }

  // Every stored score, to choose; scores and values of the local keys and of those that were chosen.
  Cost cost(const HeadSize& size) const {
    double searched = 0, pairs = 0;
    for (Index i = 0; i < size.tq; ++i) {
      const Index p = i + size.mask.offset, before = stored(p);
      searched += static_cast<double>(before);
      pairs += static_cast<double>(p - before + 1 + std::min(before, options.neighbors));
    }
    const auto key = static_cast<double>(size.key), value = static_cast<double>(size.value);
    return {2 * searched * key + 2 * pairs * (key + value), dense_cost(size).state_bytes};
  }

 private:
  bool gated() const { return options.combine == "gate"; }
  // How many keys are stored for the query at position p: those before its segment.
  Index stored(Index p) const { return p / options.segment * options.segment; }
  Index kept(const Head<S>& in) const { return std::min(options.neighbors, in.k.rows()); }

  // g of query i; 0 if nothing is stored
  S gate(const Head<S>& in, const Saved& saved, Index i) const {
    if (saved.store.lse(0, i) == -std::numeric_limits<S>::infinity()) return 0;
    return static_cast<S>(sigmoid(static_cast<double>(gate_.value()(in.index, 0))));
  }

  SegmentTiles local_tiles(const Head<S>& in) const {
    return {in.q.rows(), in.mask, options.segment, options.tile};
  }
  ChosenTiles store_tiles(const Head<S>& in, std::span<const std::int32_t> chosen) const {
    return {chosen, kept(in), options.tile};
  }
  SoftmaxMap<S> local_map(const Head<S>& in) const {
    return {in.q, in.k, in.v, scale(in), in.slope, in.mask.offset, nullptr, in.dropout};
  }
  SoftmaxMap<S> store_map(const Head<S>& in) const {
    return {in.q, in.stored_k(), in.stored_v(), scale(in), 0, 0, nullptr, in.dropout};
  }
  static S scale(const Head<S>& in) {
    return static_cast<S>(1 / std::sqrt(static_cast<double>(in.q.cols())));
  }

  Param<S> gate_;  // b: (heads,1)
};
}  // namespace

HEED_MIXER(knn_memory, KnnMemory, "Local attention, and the k nearest keys of earlier segments of the text",
           "Wu et al. 2022")
