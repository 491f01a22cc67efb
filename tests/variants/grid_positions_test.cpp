// Positions in two dimensions, on grids of different sides: swapped rows and columns are seen.
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/registry.h"
#include "core/rng.h"
#include "tests/catch.h"
#include "tests/variants/gradients.h"

namespace heed {
namespace {

constexpr Index kRows = 3, kColumns = 5, kCells = kRows * kColumns;

struct Built {
  Params<double> params;
  std::unique_ptr<Position<double>> position;
};

std::unique_ptr<Built> build(const std::string& name, Index dim, double base = 100, Index columns = kColumns,
                             Index length = kCells) {
  Config options = Config::map();
  options.set("columns", Config::integer(columns));
  options.set("base", Config::number(base));
  auto built = std::make_unique<Built>();
  built->position = builtin().position(name).make<double>(options, {dim, 1, length}, built->params);
  return built;
}

std::vector<double> normals(Index n) {
  std::vector<double> out(static_cast<std::size_t>(n));
  Draws draws = Rng(3, "grid positions").at(0);
  for (double& x : out) x = draws.normal();
  return out;
}

struct Cell {
  Index row, column;
  Index position() const { return row * kColumns + column; }
};

}  // namespace

TEST_CASE("sinusoidal_2d: one half of the channels is of the row, the other of the column") {
  const Index batch = 2, dim = 12, half = dim / 2;
  const double base = 50;
  const auto built = build("sinusoidal_2d", dim, base);
  CHECK(built->params.infos().empty());
  std::vector<double> x(static_cast<std::size_t>(batch * kCells * dim), 0.25);
  built->position->embed(Seq<double>{x.data(), batch, kCells, dim}, 0);
  for (Index n = 0; n < batch * kCells; ++n)
    for (Index axis = 0; axis < 2; ++axis)
      for (Index i = 0; i < half / 2; ++i) {
        const Index p = n % kCells, place = axis == 0 ? p / kColumns : p % kColumns;
        const double angle = double(place) / std::pow(base, 2.0 * double(i) / double(half));
        const double* channels = x.data() + n * dim + axis * half;
        CHECK(channels[2 * i] - 0.25 == Approx(std::sin(angle)).margin(1e-15));
        CHECK(channels[2 * i + 1] - 0.25 == Approx(std::cos(angle)).margin(1e-15));
      }
}

TEST_CASE("rope_2d: one half of the pairs rotates by the row, the other by the column") {
  const Index batch = 2, heads = 3, dim = 8, pairs = dim / 2;
  const double base = 50;
  for (const Index first : {Index(0), Index(4)}) {
    const Index time = kCells - first;
    const auto built = build("rope_2d", heads * dim, base);
    const std::vector<double> x = normals(batch * time * heads * dim);
    std::vector<double> y = x;
    built->position->rotate(Heads<double>{y.data(), batch, heads, time, dim}, first);
    for (Index n = 0; n < batch * time * heads; ++n)
      for (Index i = 0; i < pairs; ++i) {
        const Index p = first + n / heads % time;
        const bool is_row = i < pairs / 2;
        const double place = double(is_row ? p / kColumns : p % kColumns);
        const double angle = place * std::pow(base, -double(i % (pairs / 2)) / double(pairs / 2));
        const double *before = x.data() + n * dim + 2 * i, *after = y.data() + n * dim + 2 * i;
        REQUIRE(after[0] == Approx(before[0] * std::cos(angle) - before[1] * std::sin(angle)).margin(1e-14));
        REQUIRE(after[1] == Approx(before[0] * std::sin(angle) + before[1] * std::cos(angle)).margin(1e-14));
      }
  }
}

TEST_CASE("rope_2d: scores depend on the distances in both directions and on nothing else") {
  const Index dim = 8;
  const auto built = build("rope_2d", dim);
  const std::vector<double> q = normals(dim), k = normals(2 * dim);
  const auto score = [&](Cell query, Cell key) {
    std::vector<double> a = q, b(k.begin() + dim, k.end());
    built->position->rotate(Heads<double>{a.data(), 1, 1, 1, dim}, query.position());
    built->position->rotate(Heads<double>{b.data(), 1, 1, 1, dim}, key.position());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  std::vector<double> seen;
  for (Index down = 1 - kRows; down < kRows; ++down)
    for (Index right = 1 - kColumns; right < kColumns; ++right) {
      std::vector<double> same;
      for (Index row = 0; row < kRows; ++row)
        for (Index column = 0; column < kColumns; ++column) {
          const Cell key{row + down, column + right};
          if (key.row < 0 || key.row >= kRows || key.column < 0 || key.column >= kColumns) continue;
          same.push_back(score({row, column}, key));
        }
      for (const double s : same) CHECK(s == Approx(same[0]).epsilon(1e-12));
      for (const double s : seen) CHECK(std::abs(s - same[0]) > 1e-9);  // another distance, another score
      seen.push_back(same[0]);
    }
}

TEST_CASE("rope_2d: rotating back is the transpose, and the first cell does not rotate") {
  const Index dim = 8;
  const auto built = build("rope_2d", dim);
  const std::vector<double> x = normals(kCells * dim);
  std::vector<double> y = x, dy = normals(2 * kCells * dim);
  dy.erase(dy.begin(), dy.begin() + kCells * dim);
  const auto all = [&](std::vector<double>& rows) { return Heads<double>{rows.data(), 1, 1, kCells, dim}; };
  built->position->rotate(all(y), 0);
  CHECK(std::equal(y.begin(), y.begin() + dim, x.begin()));
  double forward = 0, backward = 0;
  for (std::size_t i = 0; i < x.size(); ++i) forward += y[i] * dy[i];
  built->position->rotate_backward(all(dy), 0);
  for (std::size_t i = 0; i < x.size(); ++i) backward += x[i] * dy[i];
  CHECK(forward == Approx(backward).epsilon(1e-12));
  built->position->rotate_backward(all(y), 0);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(x[i]).epsilon(1e-13));
}

TEST_CASE("positions of a grid: without a task they have one row") {
  std::vector<double> x = normals(kCells * 8), y = x;
  const auto all = [&](std::vector<double>& rows) { return Heads<double>{rows.data(), 1, 1, kCells, 8}; };
  build("rope_2d", 8, 100, 0)->position->rotate(all(x), 0);
  build("rope_2d", 8, 100, kCells)->position->rotate(all(y), 0);
  CHECK(x == y);
}

TEST_CASE("positions of a grid: an incomplete grid and odd widths are refused") {
  for (const std::string name : {"rope_2d", "sinusoidal_2d"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(build(name, 8, 100, 4),
                      ContainsSubstring("'" + name + "' has 'columns: 4', but the 15"));
  }
  CHECK_THROWS_WITH(build("sinusoidal_2d", 6), ContainsSubstring("4 must divide 'dim' (6)"));
  const auto built = build("rope_2d", 12);
  CHECK_NOTHROW(built->position->require_width(4));
  CHECK_THROWS_WITH(built->position->require_width(6), ContainsSubstring("4 must divide the 6 channels"));
}

}  // namespace heed
