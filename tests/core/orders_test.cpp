#include "core/orders.h"

#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "tests/catch.h"

namespace {

using heed::Annealing;
using heed::Orders;
using heed::Token;

std::vector<Token> drawn(const Orders& orders, std::uint64_t place, double share, std::size_t n = 50) {
  std::vector<Token> out(n);
  orders.draw(place, share, out);
  return out;
}

std::vector<Token> raster(std::size_t n = 50) {
  std::vector<Token> out(n);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

}  // namespace

TEST_CASE("orders: the share of random orders is 1 before the start, linear, and 0 from the end on") {
  const Annealing released{0.5, 0.75};  // of 250,000 steps: 125,000 and 187,500
  CHECK(released.share(0) == 1);
  CHECK(released.share(0.499999) == 1);
  CHECK(released.share(0.5) == 1);
  CHECK(released.share(0.625) == 0.5);
  CHECK(released.share(0.7) == Approx(0.2));
  CHECK(released.share(0.75) == 0);
  CHECK(released.share(1) == 0);
  for (const double done : {0.0, 0.3, 0.999}) {
    CHECK(Annealing{0, 0}.share(done) == 0);
    CHECK(Annealing{1, 1}.share(done) == 1);
    CHECK(Annealing{0.3, 0.3}.share(done) == (done < 0.3 ? 1 : 0));
  }
}

TEST_CASE("orders: an order depends on the seed, the place and the share only") {
  const Orders orders(3);
  CHECK(drawn(orders, 7, 1) == drawn(Orders(3), 7, 1));
  CHECK(drawn(orders, 7, 1) != drawn(orders, 8, 1));
  CHECK(drawn(orders, 7, 1) != drawn(Orders(4), 7, 1));
  for (std::uint64_t place = 0; place < 100; ++place) {
    CHECK(drawn(orders, place, 0) == raster());
    const std::vector<Token> some = drawn(orders, place, 0.5);
    CHECK((some == raster() || some == drawn(orders, place, 1)));
  }
  CHECK(drawn(orders, 7, 1, 1) == raster(1));
}

TEST_CASE("orders: as many sequences as the share says are in random order, and every order is as frequent") {
  const Orders orders(1);
  std::map<std::vector<Token>, double> count;
  heed::Index random = 0;
  for (std::uint64_t place = 0; place < 24000; ++place) {
    ++count[drawn(orders, place, 1, 4)];
    random += drawn(orders, place, 0.25) != raster();
  }
  CHECK(count.size() == 24);
  double chi = 0;
  for (const auto& [order, n] : count) chi += (n - 1000) * (n - 1000) / 1000;
  CHECK(chi < 64);  // 23 degrees of freedom, 6 standard deviations
  CHECK(std::abs(static_cast<double>(random) - 6000) < 6 * 67);
}
