#include <cmath>

#include "tests/catch.h"
#include "tests/variants/gradients.h"

namespace heed {
namespace {

Config width(Index n) {
  Config c = Config::map();
  c.set("width", detail::to_config(n));
  return c;
}

}  // namespace

TEST_CASE("swiglu equals its definition in plain loops") {
  const Registry registry = builtin();
  Bench<double> bench(registry.variant("swiglu"), width(9), {.batch = 3, .time = 5, .dim = 6});
  bench.forward();
  const auto value = [&](const char* name) { return bench.params.find(name).value(); };
  for (Index r = 0; r < bench.x.rows(); ++r)
    for (Index c = 0; c < 6; ++c) {
      double y = value("down.bias")(0, c);
      for (Index j = 0; j < 9; ++j) {
        double g = value("gate.bias")(0, j), u = value("up.bias")(0, j);
        for (Index i = 0; i < 6; ++i) {
          g += bench.x(r, i) * value("gate.weight")(i, j);
          u += bench.x(r, i) * value("up.weight")(i, j);
        }
        y += g / (1 + std::exp(-g)) * u * value("down.weight")(j, c);
      }
      CHECK(bench.y(r, c) == Approx(y).epsilon(1e-12));
    }
}

TEST_CASE("swiglu's gradients agree with central differences") {
  const Registry registry = builtin();
  Bench<double> bench(registry.variant("swiglu"), width(7), {.batch = 2, .time = 7, .dim = 5});
  CHECK(gradient_fault(bench) == "");
}

TEST_CASE("swiglu: a case by hand") {
  // g = x, u = 2x, W_down = 1: y = silu(x) 2x; at x = (1, -1): 2 sigmoid(1), 2 sigmoid(-1)
  const Registry registry = builtin();
  Bench<double> bench(registry.variant("swiglu"), width(2), {.batch = 1, .time = 1, .dim = 2});
  for (const ParamInfo& p : bench.params.infos()) bench.params.find(p.name).value().setZero();
  bench.params.find("gate.weight").value().setIdentity();
  bench.params.find("up.weight").value() << 2, 0, 0, 2;
  bench.params.find("down.weight").value().setIdentity();
  bench.x << 1, -1;
  bench.forward();
  CHECK(bench.y(0, 0) == Approx(2 * 0.7310585786300049));
  CHECK(bench.y(0, 1) == Approx(2 * 0.2689414213699951));
}

TEST_CASE("swiglu has about the parameters of an mlp, and biases only where the model has them") {
  const Registry registry = builtin();
  for (const auto& [dim, expected] : {std::pair<Index, Index>{3, 8}, {64, 168}, {128, 344}, {384, 1024}}) {
    LayerSpec<float> spec{.dim = dim, .context_dim = dim, .bias = false};
    Params<float> params;
    (void)registry.variant("swiglu").make<float>(Config::map(), spec, params);
    CHECK(params.infos().size() == 3);
    CHECK(params.infos()[0].cols == expected);
  }
}

TEST_CASE("swiglu gives the same bits for 1, 2 and 5 threads") {
  const Registry registry = builtin();
  const Setup setup{.batch = 5, .time = 61, .dim = 12};
  Bench<float> one(registry.variant("swiglu"), Config::map(), setup, 1);
  one.run();
  for (const int threads : {2, 5}) {
    Bench<float> more(registry.variant("swiglu"), Config::map(), setup, threads);
    more.run();
    CHECK(one.y == more.y);
    CHECK(one.dx == more.dx);
    CHECK(std::ranges::equal(one.params.grads(), more.params.grads()));
  }
}

}  // namespace heed
