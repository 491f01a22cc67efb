// Formulas that count too little, and what the check says of them.
#include <limits>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

namespace heed::broken {
namespace {

template <class S>
struct AddsAsOne : Naive<S> {
  Cost cost(const HeadSize& size) const { return {dense_cost(size).flops / 2, 0}; }
};

template <class S>
struct Falls : Naive<S> {
  Cost cost(const HeadSize& size) const { return {1e6 / static_cast<double>(size.tq), 0}; }
};

template <class S>
struct NoNumber : Naive<S> {
  Cost cost(const HeadSize& size) const {
    return {dense_cost(size).flops, std::numeric_limits<double>::quiet_NaN()};
  }
};

}  // namespace

TEST_CASE("cost check: finds a formula that counts less than what is multiplied") {
  require_caught(with_mixer<AddsAsOne>("adds_as_one"), "cost", "are 1200 FLOPs, but the formula says 1176");
}

TEST_CASE("cost check: finds costs that fall with the length or are no numbers") {
  require_caught(with_mixer<Falls>("falls"), "cost", "less than the");
  require_caught(with_mixer<NoNumber>("no_number"), "cost", "cost(1, 1).state_bytes is nan");
}

}  // namespace heed::broken
