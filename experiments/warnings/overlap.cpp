#include "experiments/warnings/overlap.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace heed {
namespace {

constexpr Index kLongest = Index{1} << 14, kTokens = Index{1} << 19;  // of each split
constexpr double kPairsPerTraining = 300;                             // a share of 1 % makes 3 pairs

// Hashes of the tokens of the first `count` sequences, sorted.
std::vector<std::uint64_t> hashes(const Task& task, Split split, Index count) {
  const auto length = static_cast<std::size_t>(task.length());
  std::vector<Token> tokens(length), labels(length);
  std::vector<std::uint64_t> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    task.sequence(split, i, tokens, labels);
    out[i] = XXH64(tokens.data(), length * sizeof(Token), 0);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Overlap estimate_overlap(const Task& task, Index training) {
  if (task.size(Split::test) || task.length() > kLongest || training < 1) return {};
  const double n = static_cast<double>(training);
  const Index wanted = static_cast<Index>(std::ceil(std::sqrt(kPairsPerTraining * n)));
  const Index most = std::clamp<Index>(kTokens / std::max<Index>(task.length(), 1), 1, wanted);

  const std::vector<std::uint64_t> seen = hashes(task, Split::train, std::min(most, training));
  const std::vector<std::uint64_t> tested = hashes(task, Split::test, most);
  std::ptrdiff_t pairs = 0;
  for (const std::uint64_t hash : tested) {
    const auto [from, to] = std::equal_range(seen.begin(), seen.end(), hash);
    pairs += to - from;
  }
  if (pairs == 0) return {};
  const double chance =
      static_cast<double>(pairs) / (static_cast<double>(seen.size()) * static_cast<double>(tested.size()));
  return {-std::expm1(-n * chance), 1 / chance};
}

}  // namespace heed
