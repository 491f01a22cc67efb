#include "experiments/warnings/overlap.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/model/sequences.h"

namespace heed {
namespace {

constexpr Index kLongest = Index{1} << 14, kTokens = Index{1} << 19;  // of each split
constexpr double kPairsPerTraining = 300;                             // a share of 1 % makes 3 pairs

// A hash of what the model reads of the one example of a batch.
std::uint64_t hash_of(const Batch& batch) {
  std::uint64_t hash = 0;
  for (const SequenceBatch* s : {&batch.input, &batch.source}) {
    hash = XXH64(s->tokens.data(), s->tokens.size_bytes(), hash);
    hash = XXH64(s->vectors.data(), s->vectors.size_bytes(), hash);
    hash = XXH64(s->lengths.data(), s->lengths.size_bytes(), hash);
  }
  return hash;
}

// Hashes of the first `count` examples, sorted.
std::vector<std::uint64_t> hashes(const Task& task, Split split, Index count) {
  Sequences one(task, 1);
  std::vector<std::uint64_t> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    one.fill(0, split, i);
    out[i] = hash_of(one.first(1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Overlap estimate_overlap(const Task& task, Index training) {
  const Index length = task.shape().input.length;
  if (task.size(Split::test) || length > kLongest || training < 1) return {};
  const double n = static_cast<double>(training);
  const Index wanted = static_cast<Index>(std::ceil(std::sqrt(kPairsPerTraining * n)));
  const Index most = std::clamp<Index>(kTokens / std::max<Index>(length, 1), 1, wanted);

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
