// The options of softmax attention: what each becomes in special cases, and all of them together.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/difference.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config text(const char* value) { return Config::scalar(value); }
Config number(double value) { return Config::number(value); }

void set(KernelRun& run, const char* param, double value) {
  run.params.find(param).value().setConstant(value);
}

}  // namespace

TEST_CASE("softmax options: all together, gradients agree with central differences for every tile size") {
  for (const char* norm : {"rms", "l2"})
    for (const char* gain : {"shared", "per_head"})
      for (const char* gate : {"elementwise", "headwise"})
        for (Index tile : {1, 3, 64}) {
          CAPTURE(norm, gain, gate, tile);
          KernelRun run("softmax",
                        options({{"qk_norm", text(norm)},
                                 {"qk_norm_gain", text(gain)},
                                 {"cap", number(1.5)},
                                 {"sink", text("learned")},
                                 {"gate", text(gate)},
                                 {"key_heads", whole(2)},
                                 {"tile", whole(tile)}}),
                        {.heads = 4, .tq = 6, .tk = 7, .slope = 0.3});
          for (double& x : run.params.values()) x += 0.3;
          CHECK(distance_from_differences(run) < kDifferences);
        }
}

TEST_CASE("softmax options: a cap far above the scores changes nothing, a low one bounds them") {
  KernelRun plain("softmax", {}, {}), high("softmax", options({{"cap", number(1e6)}}), {});
  plain.run(), high.run();
  CHECK(largest_difference(plain.o, high.o) < 1e-9);
  CHECK(largest_difference(plain.dq, high.dq) < 1e-9);

  KernelRun low("softmax", options({{"cap", number(0.5)}, {"scale", number(100)}}),
                {.causality = {.causal = false}});
  low.forward();
  const Matd p = low.weights(0, 0);
  for (Index i = 0; i < 5; ++i) {
    const double range = std::log(p.row(i).maxCoeff() / p.row(i).minCoeff());
    CHECK(range <= 1 + kRounding);  // scores from -1/2 to 1/2
    CHECK(range > 0.5);
  }
}

TEST_CASE("softmax options: a cap is applied before the mask, so hidden keys stay hidden") {
  KernelRun run("softmax", options({{"cap", number(1)}, {"tile", whole(3)}}), {.tq = 7, .tk = 7});
  run.forward();
  const Matd p = run.weights(1, 1);
  for (Index i = 0; i < 7; ++i) {
    CHECK(p.row(i).tail(6 - i).isZero(0));
    CHECK(std::abs(p.row(i).sum() - 1) < kRounding);
  }
}

TEST_CASE("softmax options: softmax off by one is a key of zeros with a value of zeros in front") {
  const Causality all{.causal = false};
  for (Index tile : {1, 3, 64}) {
    KernelRun run("softmax", options({{"sink", text("zero")}, {"tile", whole(tile)}}), {.causality = all});
    KernelRun longer("softmax", options({{"tile", whole(tile)}}), {.tk = 6, .causality = all});
    longer.q = run.q, longer.upstream = run.upstream;
    const auto prepend = [](const std::vector<double>& x) {  // a row of 8 zeros in front of each sequence
      std::vector<double> out;
      for (Index b = 0; b < 2; ++b) {
        out.insert(out.end(), 8, 0.0);
        out.insert(out.end(), x.begin() + b * 40, x.begin() + (b + 1) * 40);
      }
      return out;
    };
    longer.k = prepend(run.k), longer.v = prepend(run.v);
    run.run(), longer.run();
    CHECK(largest_difference(run.o, longer.o) < kRounding);
    CHECK(largest_difference(run.dq, longer.dq) < kRounding);
    for (Index b = 0; b < 2; ++b)
      for (Index h = 0; h < 2; ++h)
        CHECK(distance(run.head(run.dk, 5, 4, b, h), longer.head(longer.dk, 6, 4, b, h).bottomRows(5)) <
              kRounding);
  }
}

TEST_CASE("softmax options: a sink far below the scores changes nothing, one far above takes all weight") {
  KernelRun plain("softmax", {}, {}), sunk("softmax", options({{"sink", text("learned")}}), {});
  set(sunk, "sink", -800);
  plain.run(), sunk.run();
  CHECK(largest_difference(plain.o, sunk.o) < kRounding);
  CHECK(largest_difference(plain.dk, sunk.dk) < kRounding);
  set(sunk, "sink", 800);
  sunk.run();
  for (const std::vector<double>* x : {&sunk.o, &sunk.dq, &sunk.dk, &sunk.dv})
    CHECK(std::ranges::all_of(*x, [](double value) { return std::abs(value) < 1e-300; }));
}

TEST_CASE("softmax options: with a sink, the first causal row is v_0 sigmoid(s_00 - sink)") {
  KernelRun run("softmax", options({{"sink", text("learned")}}), {});
  run.params.find("sink").value() << 0.7, -0.4;
  run.forward();
  for (Index h = 0; h < 2; ++h) {
    const double score = run.head(run.q, 5, 4, 1, h).row(0).dot(run.head(run.k, 5, 4, 1, h).row(0)) / 2;
    const double share = 1 / (1 + std::exp((h == 0 ? 0.7 : -0.4) - score));
    CHECK(distance(run.head(run.o, 5, 4, 1, h).row(0), share * run.head(run.v, 5, 4, 1, h).row(0)) <
          kRounding);
  }
}

TEST_CASE("softmax options: a query without keys gives zeros and no gradient, with a sink too") {
  KernelRun run("softmax", options({{"sink", text("learned")}}), {.tq = 9, .tk = 6});  // rows 0, 1, 2
  run.run();
  const Matd before = run.params.find("sink").grad();
  CHECK(run.head(run.o, 9, 4, 0, 0).topRows(3).isZero(0));
  CHECK(run.head(run.dq, 9, 4, 0, 0).topRows(3).isZero(0));
  for (Index b = 0; b < 2; ++b) run.heads(run.upstream, 9, 8)(b, 0).topRows(3).setConstant(7);
  run.run();
  CHECK(run.params.find("sink").grad() == before);
}

TEST_CASE("softmax options: with QK-norm, the lengths of queries and keys do not matter") {
  for (const char* norm : {"rms", "l2"}) {
    KernelRun run("softmax", options({{"qk_norm", text(norm)}, {"qk_norm_eps", number(1e-20)}}), {});
    run.forward();
    const std::vector<double> before = run.o;
    for (double& x : run.q) x *= 7;
    for (double& x : run.k) x *= 0.1;
    run.forward();
    CAPTURE(norm);
    CHECK(largest_difference(run.o, before) < kRounding);
  }
}

TEST_CASE(
    "softmax options: QK-norm bounds the scores, by sqrt(width) for rms and by the logit scale for l2") {
  const auto range = [](const Config& chosen) {
    KernelRun run("softmax", chosen, {.causality = {.causal = false}});
    for (double& x : run.k) x = x > 0 ? 1 : -1;
    run.q = run.k;
    for (Index b = 0; b < 2; ++b) run.heads(run.k, 5, 4)(b, 0).row(1) = -run.heads(run.k, 5, 4)(b, 0).row(0);
    run.forward();
    const Matd p = run.weights(0, 0);
    return std::log(p.row(0).maxCoeff() /
                    p.row(0).minCoeff());  // q_0 = k_0 = -k_1: from one bound to the other
  };
  const Config tiny = number(1e-20);
  CHECK(std::abs(range(options({{"qk_norm", text("rms")}, {"qk_norm_eps", tiny}})) - 2 * std::sqrt(4.0)) <
        kRounding);
  CHECK(std::abs(range(options({{"qk_norm", text("l2")}, {"qk_norm_eps", tiny}})) -
                 2 * std::log2(5.0 * 5 - 5)) < kRounding);
}

TEST_CASE("softmax options: an open gate changes nothing, a closed one gives zeros") {
  KernelRun plain("softmax", {}, {});
  plain.run();
  for (const char* gate : {"elementwise", "headwise"}) {
    KernelRun run("softmax", options({{"gate", text(gate)}}), {});
    std::ranges::fill(run.extra[0], 800.0);
    run.run();
    CHECK(run.o == plain.o);
    CHECK(run.dk == plain.dk);
    std::ranges::fill(run.extra[0], -800.0);
    run.forward();
    CHECK(std::ranges::all_of(run.o, [](double value) { return std::abs(value) < 1e-300; }));
  }
}

TEST_CASE("softmax options: each has as many parameters as its formula says") {
  // dim 24, 4 heads that share 2 heads of keys, key width 5, value width 3
  const auto added = [](std::initializer_list<std::pair<const char*, Config>> chosen) {
    const auto count = [&](Config c) {
      c.set("key_heads", whole(2)), c.set("key_width", whole(5)), c.set("value_width", whole(3));
      Params<float> params;
      const LayerSpec<float> spec{.dim = 24, .context_dim = 24, .heads = 4, .length = 8};
      Problems problems;
      const VariantInfo& info = registry().variant("softmax");
      const auto layer = info.make<float>(info.resolve(c, "softmax", problems), spec, params);
      Index sum = 0;
      for (const ParamInfo& p : params.infos()) sum += p.rows * p.cols;
      return sum;
    };
    return count(options(chosen)) - count(Config::map());
  };
  CHECK(added({{"qk_norm", text("rms")}}) == 2 * 5);
  CHECK(added({{"qk_norm", text("rms")}, {"qk_norm_gain", text("per_head")}}) == (4 + 2) * 5);
  CHECK(added({{"qk_norm", text("l2")}}) == 1);
  CHECK(added({{"qk_norm", text("l2")}, {"qk_norm_gain", text("per_head")}}) == 4);
  CHECK(added({{"cap", number(3)}}) == 0);
  CHECK(added({{"sink", text("learned")}}) == 4);
  CHECK(added({{"sink", text("zero")}}) == 0);
  CHECK(added({{"gate", text("elementwise")}}) == 24 * 4 * 3);
  CHECK(added({{"gate", text("headwise")}}) == 24 * 4);
}
