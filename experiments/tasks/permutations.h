#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// The word problem of the symmetric group S_n (Merrill et al. 2024): each token is a permutation of 0 .. n-1,
// and the output at each position must be the product of all permutations so far. With x_t the permutation of
// token t:
//     s_0 = identity,   s_t[i] = x_t[s_{t-1}[i]]
// The label is the number of s_t among all n! permutations in lexicographic order. docs/tasks.md has an
// example.
class Permutations final : public Task, public ModelTraits {
 public:
  struct Options {
    Index length = 32, n = 5;
    std::string tokens = "swaps";

    void describe(auto& option) {
      option("length", length, {.min = 1, .max = kMaxLength, .doc = "permutations in a sequence"});
      option("n", n, {.min = 3, .max = 5, .doc = "elements that are permuted; labels are n! permutations"});
      option("tokens", tokens,
             {.choices = {"swaps", "all"},
              .doc = "swaps: token k swaps k and k+1; all: the tokens are all permutations"});
    }
  };

  Permutations(const Options& options, std::uint64_t seed);
  TaskShape shape() const override;
  bool suits(ModelType type) const override { return type != ModelType::encoder_decoder; }
  void fill(Split split, std::uint64_t index, Example& example) const override;

 private:
  Index length_, tokens_, states_;
  std::vector<Token> next_;  // (state, token): the state after the token
  Streams streams_;
};

}  // namespace heed
