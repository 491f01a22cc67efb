#include <algorithm>
#include <cmath>
#include <string>

#include "tests/catch.h"
#include "tests/variants/gradients.h"
#include "tests/variants/kernel_run.h"
#include "variants/parts/pattention.h"

using namespace heed;
using namespace heed::test;

namespace {

const VariantInfo& tokenformer() { return registry().variant("tokenformer"); }

// One of the four maps by its definition, from the parameters of a built layer.
Matd mapped(Bench<double>& bench, const std::string& name, const Matd& x) {
  const auto of = [&](const char* part) { return Matd(bench.params.find(name + part).value()); };
  const Matd keys = of(".key_tokens"), values = of(".value_tokens");
  const double tau = of(".tau")(0, 0);
  Matd a = x.lazyProduct(keys.transpose());
  for (Index r = 0; r < a.rows(); ++r) {
    a.row(r) *= tau / (a.row(r).norm() + 1e-5);
    for (Index j = 0; j < a.cols(); ++j) a(r, j) *= 0.5 * (1 + std::erf(a(r, j) / std::sqrt(2.0)));
  }
  return a.lazyProduct(values);
}

}  // namespace

TEST_CASE("tokenformer is softmax attention between four attentions over parameter tokens") {
  for (const bool cross : {false, true}) {
    const Setup setup{.batch = 1,
                      .time = 5,
                      .heads = 2,
                      .dim = 6,
                      .cross = cross,
                      .context_time = 7,
                      .context_dim = 4,
                      .causality = {.causal = !cross}};
    Bench<double> bench(tokenformer(), options({{"tokens", whole(8)}, {"output_tokens", whole(5)}}), setup);
    bench.forward();
    const Matd& context = cross ? bench.context : bench.x;
    const Matd q = mapped(bench, "query", bench.x), k = mapped(bench, "key", context);
    const Matd v = mapped(bench, "value", context);
    Matd o(5, 6);
    for (Index h = 0; h < 2; ++h) {
      const Naive head = naive_softmax(q.middleCols(3 * h, 3), k.middleCols(3 * h, 3), v.middleCols(3 * h, 3),
                                       Matd::Zero(5, 3), 1 / std::sqrt(3.0),
                                       [&](Index i, Index j) { return cross || j <= i; });
      o.middleCols(3 * h, 3) = head.o;
      Matd p(5, context.rows());
      REQUIRE(bench.layer->weights(bench.step, 0, h, mat(p.data(), p.rows(), p.cols())));
      CHECK(distance(p, head.p) < 1e-12);
    }
    CHECK(distance(bench.y, mapped(bench, "output", o)) < 1e-12);
  }
}

TEST_CASE("tokenformer's gradients agree with central differences") {
  for (const std::string mode : {"l2_norm_gelu", "gelu_l2_norm", "softmax"})
    for (const bool cross : {false, true}) {
      CAPTURE(mode, cross);
      Bench<double> bench(tokenformer(), options({{"tokens", whole(5)}, {"mode", Config::scalar(mode)}}),
                          {.batch = 2,
                           .time = 5,
                           .heads = 3,
                           .dim = 6,
                           .cross = cross,
                           .context_time = 4,
                           .context_dim = 3,
                           .causality = {.causal = !cross}});
      CHECK(gradient_fault(bench) == "");
    }
}

TEST_CASE("causal tokenformer: what comes later changes no bit of what came before") {
  const Setup setup{.batch = 1, .time = 7, .heads = 3, .dim = 12};
  Bench<float> bench(tokenformer(), Config::map(), setup);
  bench.forward();
  const Matrix<float> before = bench.y;
  for (Index t = 1; t < 7; ++t) {
    Bench<float> other(tokenformer(), Config::map(), setup);
    other.x.row(t).setConstant(-2);
    other.forward();
    CHECK(other.y.topRows(t) == before.topRows(t));
    CHECK(other.y.row(t) != before.row(t));
  }
}

TEST_CASE("tokenformer gives the same bits for 1, 2 and 5 threads") {
  const Setup setup{.batch = 3, .time = 70, .heads = 3, .dim = 24};
  Bench<float> one(tokenformer(), Config::map(), setup, 1);
  one.run();
  for (const int threads : {2, 5}) {
    Bench<float> more(tokenformer(), Config::map(), setup, threads);
    more.run();
    CHECK(one.y == more.y);
    CHECK(one.dx == more.dx);
    CHECK(std::ranges::equal(one.params.grads(), more.params.grads()));
  }
}

TEST_CASE("tokenformer asks its block for norms without parameters and a feed-forward of tokens") {
  const BlockStyle plain = tokenformer().block_style(Config::map());
  CHECK_FALSE(plain.norm_gain);
  CHECK(plain.feed_forward == "pattention");
  const BlockStyle chosen = tokenformer().block_style(
      options({{"tokens", whole(10)}, {"mode", Config::scalar("softmax")}, {"eps", Config::number(0)}}));
  Problems problems;
  const Config resolved =
      registry().variant(chosen.feed_forward).resolve(chosen.feed_forward_options, "feed_forward", problems);
  problems.throw_if_any();
  const auto read = [&](const char* key) { return resolved.find(key)->canonical(); };
  CHECK(read("tokens") == "40");
  CHECK(read("mode") == Config::scalar("softmax").canonical());
  CHECK(read("eps") == Config::number(0).canonical());
  const BlockStyle mlp = tokenformer().block_style(options({{"feed_forward", Config::scalar("mlp")}}));
  CHECK(mlp.feed_forward == "mlp");
}

TEST_CASE("tokenformer has n (in + out) parameters in each of its maps") {
  LayerSpec<float> spec{.dim = 12, .context_dim = 12, .heads = 3};
  Params<float> params;
  const auto layer = tokenformer().make<float>(Config::map(), spec, params);
  CHECK(count(params) == 4 * 12 * (12 + 12));  // twice those of linear maps
  CHECK(layer->weight_heads() == 3);
  const double maps = 4 * 2 * 10 * 12 * 24, pairs = 3 * 2 * 55 * 8;
  CHECK(layer->cost(10, 10).flops == maps + pairs);
}
