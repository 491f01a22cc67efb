#pragma once

#include "core/mixer.h"
#include "variants/parts/tiled_mixer.h"

namespace heed {

// Side of the tiles that scores are made in: 64 x 64 floats are half of a 32 KiB first-level cache.
constexpr Index kTile = 64;

void describe_tile(auto& option, Index& tile) {
  option("tile", tile,
         {.min = 1, .speed = true, .doc = "side of the tiles of scores; changes only speed and rounding"});
}

// Scaled dot-product attention: o = softmax(tau q k^T) v.    q (Tq,D)  k (Tk,D)  v (Tk,V)  o (Tq,V)
// Vaswani et al. 2017, eq. 1. Fewer heads of keys and values: multi-query (Shazeer 2019) and grouped-query
// attention (Ainslie et al. 2023). Derivation: docs/variants/softmax.md.
template <class S>
struct Softmax : TiledMixer<Softmax<S>, S> {
  struct Options {
    double scale = 0;
    Index key_width = 0, value_width = 0, key_heads = 0, tile = kTile;
    void describe(auto& option) {
      option("scale", scale, {.min = 0, .max = 1e3, .doc = "multiplies the scores; 0: 1/sqrt(key width)"});
      option("key_width", key_width,
             {.min = 0, .doc = "width of each head's queries and keys; 0: dim / heads"});
      option("value_width", value_width, {.min = 0, .doc = "width of each head's values; 0: dim / heads"});
      option("key_heads", key_heads,
             {.min = 0,
              .doc = "heads of keys and values, shared by the query heads; must divide heads; 0: as many"});
      describe_tile(option, tile);
    }
  } options;

  HeadShape shape(const LayerSpec<S>& spec) const {
    if (!options.key_width || !options.value_width) require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {spec.heads, options.key_width ? options.key_width : width,
            options.value_width ? options.value_width : width, 1, options.key_heads};
  }

  DenseTiles tiles(const Head<S>& in, Memory<S>&) const {
    return {in.q.rows(), in.k.rows(), in.mask, options.tile};
  }

  double scale(const Head<S>& in) const {
    return options.scale != 0 ? options.scale : TiledMixer<Softmax, S>::scale(in);
  }
};

}  // namespace heed
