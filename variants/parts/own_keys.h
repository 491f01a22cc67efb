#pragma once

#include <fmt/format.h>

#include <string_view>

#include "core/error.h"
#include "core/head_kernel.h"

namespace heed {

// Throws: heed::Error unless each query has a key at its own position.
inline void require_own_keys(std::string_view attention, Index tq, Index tk, const Mask& mask) {
  if (mask.offset < 0 || tq + mask.offset > tk)
    throw Error(fmt::format(
        "{} attention needs a key at the position of each query, but there are {} queries and {} keys at "
        "offset {}.",
        attention, tq, tk, mask.offset));
}

}  // namespace heed
