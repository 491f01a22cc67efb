#include <cmath>
#include <string>

#include "core/ops/activation.h"
#include "tests/catch.h"
#include "tests/variants/gradients.h"

namespace heed {
namespace {

Config choose(const std::string& activation, Index width = 0) {
  Config c = Config::map();
  c.set("activation", detail::to_config(activation));
  c.set("width", detail::to_config(width));
  return c;
}

}  // namespace

TEST_CASE("mlp equals its definition in plain loops") {
  const Registry registry = builtin();
  for (const std::string f : {"gelu_erf", "gelu_tanh"}) {
    Bench<double> bench(registry.variant("mlp"), choose(f, 9), {.batch = 3, .time = 5, .dim = 6});
    bench.forward();
    const auto w1 = bench.params.find("in.weight").value(), b1 = bench.params.find("in.bias").value();
    const auto w2 = bench.params.find("out.weight").value(), b2 = bench.params.find("out.bias").value();
    for (Index r = 0; r < bench.x.rows(); ++r)
      for (Index c = 0; c < 6; ++c) {
        double y = b2(0, c);
        for (Index j = 0; j < 9; ++j) {
          double h = b1(0, j), a = 0;
          for (Index i = 0; i < 6; ++i) h += bench.x(r, i) * w1(i, j);
          activate<double>(activation(f), const_mat(&h, 1, 1), mat(&a, 1, 1));
          y += a * w2(j, c);
        }
        CHECK(bench.y(r, c) == Approx(y).epsilon(1e-12));
      }
  }
}

TEST_CASE("mlp's gradients agree with central differences") {
  const Registry registry = builtin();
  for (const std::string f : {"gelu_erf", "gelu_tanh"}) {
    Bench<double> bench(registry.variant("mlp"), choose(f), {.batch = 2, .time = 7, .dim = 5});
    CHECK(gradient_fault(bench) == "");
  }
}

TEST_CASE("mlp: a case by hand") {
  // x = (1, 2), W1 = ((1, 0), (0, -1)), b1 = (0, 1): h = (1, -1), a = (Phi(1), -Phi(-1));  W2 = 1, b2 = 0
  const Registry registry = builtin();
  Bench<double> bench(registry.variant("mlp"), choose("gelu_erf", 2), {.batch = 1, .time = 1, .dim = 2});
  bench.params.find("in.weight").value() << 1, 0, 0, -1;
  bench.params.find("in.bias").value() << 0, 1;
  bench.params.find("out.weight").value().setIdentity();
  bench.params.find("out.bias").value().setZero();
  bench.x << 1, 2;
  bench.forward();
  CHECK(bench.y(0, 0) == Approx(0.8413447460685429));
  CHECK(bench.y(0, 1) == Approx(-0.15865525393145707));
}

TEST_CASE("mlp starts as GPT-2 does and is four times as wide as the model") {
  const Registry registry = builtin();
  LayerSpec<float> spec{.dim = 8, .context_dim = 8, .layers = 6};
  Params<float> params;
  (void)registry.variant("mlp").make<float>(Config::map(), spec, params);
  REQUIRE(params.infos().size() == 4);
  const ParamInfo &in = params.infos()[0], &out = params.infos()[2];
  CHECK(in.cols == 32);
  CHECK(in.init.value == Approx(0.02));
  CHECK(out.init.value == Approx(0.02 / std::sqrt(12.0)));
  CHECK(in.role == Role::decayed);
  CHECK(params.infos()[1].role == Role::undecayed);
  CHECK(count(params) == 2 * 8 * 32 + 32 + 8);
}

TEST_CASE("mlp gives the same bits for 1, 2 and 5 threads") {
  const Registry registry = builtin();
  const Setup setup{.batch = 5, .time = 61, .dim = 12};
  Bench<float> one(registry.variant("mlp"), Config::map(), setup, 1);
  one.run();
  for (const int threads : {2, 5}) {
    Bench<float> more(registry.variant("mlp"), Config::map(), setup, threads);
    more.run();
    CHECK(one.y == more.y);
    CHECK(one.dx == more.dx);
    CHECK(std::ranges::equal(one.params.grads(), more.params.grads()));
  }
}

}  // namespace heed
