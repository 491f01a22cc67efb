#pragma once

#include "core/head_kernel.h"
#include "core/multi_head.h"

namespace heed {

// Options for the widths of heads, and for heads of keys and values that several query heads share:
// multi-query (Shazeer 2019) and grouped-query attention (Ainslie et al. 2023).
struct HeadWidths {
  Index key_width = 0, value_width = 0, key_heads = 0;
  void describe(auto& option) {
    option("key_width", key_width,
           {.min = 0, .doc = "width of each head's queries and keys; 0: dim / heads"});
    option("value_width", value_width, {.min = 0, .doc = "width of each head's values; 0: dim / heads"});
    option("key_heads", key_heads,
           {.min = 0,
            .doc = "heads of keys and values, shared by the query heads; must divide heads; 0: as many"});
  }

  // Throws: heed::Error if a width must be dim / heads and heads do not divide dim.
  template <class S>
  HeadShape shape(const LayerSpec<S>& spec) const {
    if (!key_width || !value_width) require_divisible(spec.dim, spec.heads);
    const Index width = spec.dim / spec.heads;
    return {.heads = spec.heads,
            .key = key_width ? key_width : width,
            .value = value_width ? value_width : width,
            .key_heads = key_heads ? key_heads : spec.heads};
  }
};

}  // namespace heed
