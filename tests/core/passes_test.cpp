#include "core/passes.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/catch.h"

using heed::Index;
using heed::Passes;

namespace {

std::vector<Index> order_of(const Passes& passes, Index n, std::uint64_t pass) {
  std::vector<Index> out;
  for (Index i = 0; i < n; ++i)
    out.push_back(passes.example_at(pass * static_cast<std::uint64_t>(n) + static_cast<std::uint64_t>(i)));
  return out;
}

}  // namespace

TEST_CASE("passes: each pass reads every example once") {
  for (const Index n : {1, 2, 3, 4, 5, 15, 16, 17, 64, 65, 1000, 4097}) {
    const Passes passes(3, n);
    std::vector<Index> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    for (const std::uint64_t pass : {0, 1, 2, 1000000}) {
      std::vector<Index> order = order_of(passes, n, pass);
      std::ranges::sort(order);
      CAPTURE(n, pass);
      CHECK(order == all);
    }
  }
}

TEST_CASE("passes: another pass and another seed have another order") {
  const Passes passes(3, 100);
  CHECK(order_of(passes, 100, 0) == order_of(Passes(3, 100), 100, 0));
  CHECK(order_of(passes, 100, 0) != order_of(passes, 100, 1));
  CHECK(order_of(passes, 100, 0) != order_of(Passes(4, 100), 100, 0));
}

TEST_CASE("passes: every example is equally likely at every place, and after every other") {
  constexpr Index kExamples = 5;
  constexpr std::uint64_t kPasses = 20000;
  const Passes passes(1, kExamples);
  std::vector<double> at(kExamples * kExamples), after(kExamples * kExamples);
  for (std::uint64_t pass = 0; pass < kPasses; ++pass) {
    const std::vector<Index> order = order_of(passes, kExamples, pass);
    for (std::size_t i = 0; i < order.size(); ++i) {
      ++at[i * kExamples + static_cast<std::size_t>(order[i])];
      if (i > 0) ++after[static_cast<std::size_t>(order[i - 1] * kExamples + order[i])];
    }
  }
  const double expected = static_cast<double>(kPasses) / kExamples;
  for (const double n : at) CHECK(std::abs(n - expected) < 6 * 57);  // standard deviations
  for (Index a = 0; a < kExamples; ++a)
    for (Index b = 0; b < kExamples; ++b)
      if (a != b) CHECK(std::abs(after[static_cast<std::size_t>(a * kExamples + b)] - expected) < 6 * 57);
}
