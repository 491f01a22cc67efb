#include "experiments/directions/packing.h"

#include <cmath>

#include "core/register.h"
#include "tests/catch.h"

namespace {

using namespace heed;
using namespace heed::directions;

const Registry& registry() {
  static const Registry filled = [] {
    Registry r;
    register_builtin_variants(r);
    return r;
  }();
  return filled;
}

// Computed here without the library: no row is longer or shorter than 1, no pair has a larger |cosine|.
void check_directions(const Matrix<double>& directions, const Setting& s) {
  for (Index i = 0; i < directions.rows(); ++i) {
    CHECK(std::abs(directions.row(i).norm() - 1) < 1e-12);
    for (Index j = 0; j < i; ++j) {
      const double cosine = directions.row(i).dot(directions.row(j));
      if (!(std::abs(cosine) <= largest_cosine(s) + 1e-15)) FAIL(i << ", " << j << ": cosine " << cosine);
    }
  }
}

TEST_CASE("packing: gradient descent finds more directions than dimensions, and all pairs fit") {
  Step<float> step;
  for (const auto& [setting, n] : {std::pair(Setting{3, 30}, 4), std::pair(Setting{16, 10}, 20),
                                   std::pair(Setting{64, 10}, 150), std::pair(Setting{65, 5}, 70)}) {
    CAPTURE(setting.dim, setting.within);
    const auto found = pack(setting, n, {}, registry(), step);
    REQUIRE(found);
    REQUIRE((found->rows() == n && found->cols() == setting.dim));
    check_directions(*found, setting);
  }
}

TEST_CASE("packing: more than can fit is not found") {
  Step<float> step;
  CHECK_FALSE(pack({2, 30}, 4, {}, registry(), step));  // three at most
  CHECK_FALSE(pack({8, 1}, 9, {}, registry(), step));
}

TEST_CASE("packing: a search reaches the upper bound where the bound is met") {
  Step<float> step;
  const Search basis = search_packing({8, 1}, {}, registry(), step);
  CHECK((basis.reached == 8 && basis.end == SearchEnd::bound));
  CHECK(basis.directions.size() == 0);
  const Search icosahedron =
      search_packing({3, 27}, {}, registry(), step);  // its diagonals have 63.4 degrees
  CHECK((icosahedron.reached == 6 && icosahedron.end == SearchEnd::bound));
  check_directions(icosahedron.directions, {3, 27});
}

TEST_CASE("packing: a search ends by a number that does not fit, or by its work") {
  Step<float> step;
  const Search failed = search_packing({16, 10}, {.flops = 1e10}, registry(), step);
  CHECK(failed.end == SearchEnd::failed);
  CHECK(failed.reached > 16);
  CHECK(static_cast<double>(failed.reached) <= most_that_fit({16, 10}));
  check_directions(failed.directions, {16, 10});
  const Search worked = search_packing({64, 20}, {.flops = 1e9}, registry(), step);
  CHECK((worked.end == SearchEnd::work && worked.reached > 64));
  const Search none = search_packing({64, 20}, {.flops = 0}, registry(), step);
  CHECK((none.end == SearchEnd::work && none.reached == 64));
}

TEST_CASE("packing: the same bits for any number of threads, others for another seed") {
  Step<float> one(1), three(3);
  const auto a = pack({64, 10}, 130, {.seed = 5}, registry(), one);
  const auto b = pack({64, 10}, 130, {.seed = 5}, registry(), three);
  const auto c = pack({64, 10}, 130, {.seed = 6}, registry(), one);
  REQUIRE((a && b && c));
  CHECK(*a == *b);
  CHECK(*a != *c);
}

TEST_CASE("packing: the largest cosine does not count a row with itself") {
  const Matrix<double> rows{{1, 0}, {0.6, 0.8}, {0, -1}};
  CHECK(largest_cosine_between(const_mat(rows.data(), 3, 2)) == 0.8);
  CHECK(largest_cosine_between(const_mat(rows.data(), 1, 2)) == 0);
}

}  // namespace
