#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace heed {

// Returns each way to choose one of `sizes[i]` things for every i, as indices; the last one changes fastest.
// Returns nullopt if there are more than `most` ways. Without sizes there is one way, the empty one.
std::optional<std::vector<std::vector<std::size_t>>> combinations(const std::vector<std::size_t>& sizes,
                                                                  std::size_t most);

}  // namespace heed
