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

struct Built {
  Params<double> params;
  std::unique_ptr<Position<double>> position;
};

std::unique_ptr<Built> build(const std::string& name, const PositionSpec& spec,
                             const Config& options = Config::map()) {
  auto built = std::make_unique<Built>();
  built->position = builtin().position(name).make<double>(options, spec, built->params);
  built->params.freeze();
  built->params.initialize(1);
  return built;
}

std::vector<double> normals(Index n) {
  std::vector<double> out(static_cast<std::size_t>(n));
  Draws draws = Rng(3, "positions").at(0);
  for (double& x : out) x = draws.normal();
  return out;
}

Config rope_options(const std::string& layout, double fraction = 1) {
  Config c = Config::map();
  c.set("layout", detail::to_config(layout));
  c.set("fraction", detail::to_config(fraction));
  return c;
}

// Scores of one query against one key, each turned to its position.
double turned_score(const Position<double>& rope, std::vector<double> q, Index at, std::vector<double> k,
                    Index other) {
  const auto dim = static_cast<Index>(q.size());
  rope.rotate(Heads<double>{q.data(), 1, 1, 1, dim}, at);
  rope.rotate(Heads<double>{k.data(), 1, 1, 1, dim}, other);
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) sum += q[i] * k[i];
  return sum;
}

}  // namespace

TEST_CASE(
    "positions: learned positions add a row of the table at each position, and its gradient flows back") {
  const Index batch = 3, time = 4, dim = 5, length = 6;
  const auto built = build("learned", {dim, 1, length});
  const auto table = built->params.find("table").value();
  std::vector<double> x = normals(batch * time * dim), y = x;
  built->position->embed(Seq<double>{y.data(), batch, time, dim}, 0);
  for (Index i = 0; i < batch * time * dim; ++i) CHECK(y[i] == x[i] + table(i / dim % time, i % dim));

  built->position->embed_backward(Seq<const double>{x.data(), batch, time, dim}, 0);
  const auto grad = built->params.find("table").grad();
  for (Index t = 0; t < length; ++t)
    for (Index c = 0; c < dim; ++c) {
      double sum = 0;
      if (t < time)
        for (Index b = 0; b < batch; ++b) sum += x[(b * time + t) * dim + c];
      CHECK(grad(t, c) == Approx(sum).margin(1e-15));
    }
}

TEST_CASE("positions: the table of learned positions is initialized as an embedding and does not decay") {
  const auto built = build("learned", {8, 1, 16});
  CHECK(built->params.infos()[0].init.value == 0.02);
  CHECK(built->params.infos()[0].role == Role::undecayed);
}

TEST_CASE("sinusoidal positions: sine and cosine take turns") {
  const Index dim = 6, time = 7;
  const auto built = build("sinusoidal", {dim, 1, 9});
  std::vector<double> x(static_cast<std::size_t>(2 * time * dim), 0.25);
  built->position->embed(Seq<double>{x.data(), 2, time, dim}, 0);
  for (Index b = 0; b < 2; ++b)
    for (Index p = 0; p < time; ++p)
      for (Index i = 0; i < dim / 2; ++i) {
        const double angle = double(p) / std::pow(10000.0, 2.0 * double(i) / double(dim));
        const double* row = x.data() + (b * time + p) * dim;
        CHECK(row[2 * i] - 0.25 == Approx(std::sin(angle)).margin(1e-15));
        CHECK(row[2 * i + 1] - 0.25 == Approx(std::cos(angle)).margin(1e-15));
      }
}

TEST_CASE("positions: rotary positions equal their definition, interleaved, half and partial") {
  const Index batch = 2, heads = 3, time = 5, dim = 8;
  for (const std::string layout : {"interleaved", "half"})
    for (const double fraction : {1.0, 0.75, 0.5, 0.25})
      for (const Index first : {Index(0), Index(5), Index(-3)}) {
        const auto built = build("rope", {heads * dim, heads, 7}, rope_options(layout, fraction));
        std::vector<double> x = normals(batch * time * heads * dim), y = x;
        built->position->rotate(Heads<double>{y.data(), batch, heads, time, dim}, first);
        const auto dims = static_cast<Index>(fraction * dim);
        for (Index n = 0; n < batch * time * heads; ++n) {
          std::vector<double> row(x.begin() + n * dim, x.begin() + (n + 1) * dim), expected = row;
          const auto p = static_cast<double>(first + n / heads % time);
          for (Index i = 0; i < dims / 2; ++i) {
            const double angle = p * std::pow(10000.0, -2.0 * double(i) / double(dims));
            const Index a = layout == "half" ? i : 2 * i, b = layout == "half" ? i + dims / 2 : 2 * i + 1;
            expected[a] = row[a] * std::cos(angle) - row[b] * std::sin(angle);
            expected[b] = row[a] * std::sin(angle) + row[b] * std::cos(angle);
          }
          for (Index c = 0; c < dim; ++c)
            REQUIRE(y[n * dim + c] == Approx(expected[c]).epsilon(1e-14).margin(1e-14));
        }
      }
}

TEST_CASE("rotary positions: a quarter turn by hand") {
  // base 1: the only pair turns by p itself; p = 2: (1, 0) -> (cos 2, sin 2)
  const auto built = build("rope", {2, 1, 4});
  std::vector<double> x = {1, 0};
  built->position->rotate(Heads<double>{x.data(), 1, 1, 1, 2}, 2);
  CHECK(x[0] == Approx(std::cos(2.0)));
  CHECK(x[1] == Approx(std::sin(2.0)));
}

TEST_CASE("rotating back is the transpose: it undoes the rotation and keeps dot products") {
  const Index dim = 6;
  const auto built = build("rope", {dim, 1, 16}, rope_options("half"));
  const std::vector<double> x = normals(10 * dim);
  std::vector<double> y = x, dy = normals(10 * dim);
  built->position->rotate(Heads<double>{y.data(), 1, 1, 10, dim}, 3);
  double forward = 0, backward = 0;
  for (std::size_t i = 0; i < x.size(); ++i) forward += y[i] * dy[i];
  built->position->rotate_backward(Heads<double>{dy.data(), 1, 1, 10, dim}, 3);
  for (std::size_t i = 0; i < x.size(); ++i) backward += x[i] * dy[i];
  CHECK(forward == Approx(backward).epsilon(1e-12));
  built->position->rotate_backward(Heads<double>{y.data(), 1, 1, 10, dim}, 3);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(x[i]).epsilon(1e-13));
}

TEST_CASE("positions: rotary positions keep norms, do not change position 0, and depend on distances only") {
  const Index dim = 6;
  for (const std::string layout : {"interleaved", "half"}) {
    const auto built = build("rope", {dim, 1, 8}, rope_options(layout));
    const std::vector<double> all = normals(2 * dim);
    const std::vector<double> q(all.begin(), all.begin() + dim), k(all.begin() + dim, all.end());
    std::vector<double> same = q;
    built->position->rotate(Heads<double>{same.data(), 1, 1, 1, dim}, 0);
    CHECK(same == q);
    CHECK(turned_score(*built->position, q, 7, q, 7) == Approx(turned_score(*built->position, q, 0, q, 0)));
    const double near = turned_score(*built->position, q, 4, k, 1);
    CHECK(turned_score(*built->position, q, 103, k, 100) == Approx(near).epsilon(1e-12));
    CHECK(turned_score(*built->position, q, -2, k, -5) == Approx(near).epsilon(1e-12));
    CHECK(turned_score(*built->position, q, 4, k, 2) != Approx(near).epsilon(1e-3));
  }
}

TEST_CASE("positions: one model may rotate maps of several widths") {
  const auto built = build("rope", {12, 2, 4});
  std::vector<double> wide = normals(6), narrow = normals(2);
  const std::vector<double> w = wide, n = narrow;
  for (const Index p : {Index(1), Index(9)}) {
    for (const Heads<double>& x : {Heads<double>{wide.data(), 1, 1, 1, 6}, {narrow.data(), 1, 1, 1, 2}}) {
      built->position->rotate(x, p);
      built->position->rotate_backward(x, p);
    }
  }
  for (std::size_t i = 0; i < 6; ++i) CHECK(wide[i] == Approx(w[i]));
  for (std::size_t i = 0; i < 2; ++i) CHECK(narrow[i] == Approx(n[i]));
}

TEST_CASE("positions: rotary positions refuse an odd number of channels") {
  const auto built = build("rope", {12, 2, 4}),
             quarter = build("rope", {12, 1, 4}, rope_options("half", 0.25));
  CHECK_NOTHROW(built->position->require_width(6));
  CHECK_THROWS_WITH(built->position->require_width(3), ContainsSubstring("not an even number"));
  CHECK_THROWS_WITH(quarter->position->require_width(12), ContainsSubstring("3 of a head's 12 channels"));
  std::vector<double> x(3);
  CHECK_THROWS_AS(built->position->rotate(Heads<double>{x.data(), 1, 1, 1, 3}, 0), Error);
}

TEST_CASE("positions: ALiBi's slopes are as published, also if the number of heads is not a power of two") {
  const auto slopes = [](Index heads) {
    const auto built = build("alibi", {heads, heads, 4});
    std::vector<double> out;
    for (Index h = 0; h < heads; ++h) out.push_back(built->position->slope(h, heads));
    return out;
  };
  const auto two_to = [](std::vector<double> exponents) {
    for (double& e : exponents) e = std::exp2(-e);
    return exponents;
  };
  CHECK(slopes(1) == two_to({8}));
  CHECK(slopes(3) == two_to({4, 8, 2}));
  CHECK(slopes(4) == two_to({2, 4, 6, 8}));
  CHECK(slopes(6) == two_to({2, 4, 6, 8, 1, 3}));
  CHECK(slopes(8) == two_to({1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(slopes(12) == two_to({1, 2, 3, 4, 5, 6, 7, 8, 0.5, 1.5, 2.5, 3.5}));
}

TEST_CASE("positions: a very large model can be built with any position without allocating memory") {
  const Registry registry = builtin();
  for (const PositionInfo& info : registry.positions()) {
    Params<float> params;
    Config options = Config::map();
    if (info.name.ends_with("_2d")) options.set("columns", Config::integer(1 << 10));
    const auto position = info.make<float>(options, {Index(1) << 34, 96, Index(1) << 20}, params);
    CHECK(position != nullptr);
  }
}

}  // namespace heed
