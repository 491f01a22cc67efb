#include "experiments/tasks/permutations.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/registry.h"

namespace heed {
namespace {

using Permutation = std::vector<std::size_t>;

// All permutations of 0 .. n-1 in lexicographic order.
std::vector<Permutation> all_permutations(Index n) {
  Permutation p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), std::size_t{0});
  std::vector<Permutation> all;
  do all.push_back(p);
  while (std::next_permutation(p.begin(), p.end()));
  return all;
}

// The permutations that swap two neighbors.
std::vector<Permutation> swaps(Index n) {
  std::vector<Permutation> out;
  for (std::size_t k = 0; k + 1 < static_cast<std::size_t>(n); ++k) {
    Permutation& p = out.emplace_back(static_cast<std::size_t>(n));
    std::iota(p.begin(), p.end(), std::size_t{0});
    std::swap(p[k], p[k + 1]);
  }
  return out;
}

}  // namespace

Permutations::Permutations(const Options& options, std::uint64_t seed)
    : length_(options.length), streams_(seed, "permutations") {
  const std::vector<Permutation> states = all_permutations(options.n);
  const std::vector<Permutation> tokens = options.tokens == "all" ? states : swaps(options.n);
  tokens_ = std::ssize(tokens), states_ = std::ssize(states);
  for (const Permutation& s : states)
    for (const Permutation& x : tokens) {
      Permutation product = s;
      for (std::size_t& i : product) i = x[i];
      const auto found = std::lower_bound(states.begin(), states.end(), product);
      next_.push_back(static_cast<Token>(found - states.begin()));
    }
}

TaskShape Permutations::shape() const {
  return {.input = {Stream::Kind::tokens, tokens_, length_}, .classes = states_};
}

void Permutations::fill(Split split, std::uint64_t index, Example& example) const {
  Draws draws = streams_.at(split, index);
  Token state = 0;  // the identity
  for (Index t = 0; t < length_; ++t) {
    const auto at = static_cast<std::size_t>(t);
    const Token x = example.input.tokens[at] = draw_token(draws, 0, tokens_);
    state = example.labels[at] = next_[static_cast<std::size_t>(state * tokens_ + x)];
  }
}

}  // namespace heed

HEED_TASK(permutations, heed::Permutations, "State tracking: the product of the permutations so far",
          "Merrill et al. 2024; Grazzi et al. 2025")
