// Feature maps of linear attention: what conformance and reference numbers do not show.
#include <algorithm>
#include <cmath>
#include <string>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

Config map_options(const std::string& map, std::initializer_list<std::pair<const char*, Config>> more = {}) {
  Config c = options(more);
  c.set("feature_map", Config::scalar(map));
  Problems problems;
  Config out = registry().variant("linear").resolve(c, "linear", problems);
  problems.throw_if_any();
  return out;
}

const Sizes kSquare{.batch = 1, .heads = 1, .tq = 6, .tk = 6, .causality = {.causal = false}};

}  // namespace

TEST_CASE("every feature map: outputs and gradients do not depend on the chunk") {
  for (const char* map : {"relu", "taylor", "cosformer", "performer", "hedgehog"})
    for (const bool causal : {true, false}) {
      const Sizes s{.tq = 13, .tk = 13, .value = 3, .causality = {.causal = causal}};
      KernelRun one("linear", map_options(map, {{"chunk", whole(64)}}), s);
      one.run();
      for (const Index chunk : {1, 5, 12}) {
        CAPTURE(map, causal, chunk);
        KernelRun other("linear", map_options(map, {{"chunk", whole(chunk)}}), s);
        other.run();
        const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
          for (std::size_t i = 0; i < a.size(); ++i)
            if (!(std::abs(a[i] - b[i]) <= 1e-10 * (1 + std::abs(b[i])))) return false;
          return true;
        };
        CHECK(near(one.o, other.o));
        CHECK(near(one.dq, other.dq));
        CHECK(near(one.dk, other.dk));
        CHECK(near(one.dv, other.dv));
      }
    }
}

TEST_CASE("taylor: f(q).f(k) is 1 + s + s^2 / 2") {
  KernelRun run("linear", map_options("taylor", {{"eps", Config::number(1e-12)}}), kSquare);
  run.forward();
  const Matd q = run.head(run.q, 6, 4, 0, 0), k = run.head(run.k, 6, 4, 0, 0), p = run.weights(0, 0);
  Matd expected = q.lazyProduct(k.transpose()) / 2;  // s, with sqrt(D) = 2
  expected = (1 + expected.array() + expected.array().square() / 2).matrix();
  for (Index i = 0; i < 6; ++i) expected.row(i) /= expected.row(i).sum();
  CHECK(distance(p, expected) < 1e-11);
}

TEST_CASE("cosformer: weights are those of relu times the cosine of the distance") {
  KernelRun run("linear", map_options("cosformer", {{"cosformer_length", whole(8)}}), kSquare);
  KernelRun plain("linear", map_options("relu", {{"eps_rule", Config::scalar("max")}}), kSquare);
  for (KernelRun* r : {&run, &plain}) {
    for (double& x : r->q) x = std::abs(x);
    for (double& x : r->k) x = std::abs(x);
    r->forward();
  }
  Matd expected = plain.weights(0, 0);
  for (Index i = 0; i < 6; ++i) {
    for (Index j = 0; j < 6; ++j) expected(i, j) *= std::cos(std::acos(-1) * static_cast<double>(i - j) / 16);
    expected.row(i) /= expected.row(i).sum();
  }
  CHECK(distance(run.weights(0, 0), expected) < 1e-13);
}

TEST_CASE("cosformer refuses a length that is shorter than the sequences") {
  CHECK_THROWS_WITH(KernelRun("linear", map_options("cosformer", {{"cosformer_length", whole(5)}}), kSquare),
                    ContainsSubstring("6 positions"));
}

TEST_CASE("performer: with many features the weights approach those of softmax") {
  const auto weights = [](const std::string& variant, const Config& chosen) {
    KernelRun run(variant, chosen, kSquare);
    for (double& x : run.q) x /= 2;  // the variance grows with the lengths of q and k
    for (double& x : run.k) x /= 2;
    run.forward();
    return run.weights(0, 0);
  };
  const Matd softmax = weights("softmax", Config::map());
  const auto error = [&](Index features) {
    return distance(weights("linear", map_options("performer", {{"performer_features", whole(features)}})),
                    softmax);
  };
  CHECK(error(40000) < 0.01);
  CHECK(error(4) > 0.02);
}

TEST_CASE("performer: random rows are orthogonal in groups of the head's width") {
  KernelRun run("linear", map_options("performer", {{"performer_features", whole(10)}}), kSquare);
  const Mat<double> w = run.params.find("random_features").value();
  for (Index i = 0; i < 10; ++i)
    for (Index j = i / 4 * 4; j < i; ++j) CHECK(std::abs(w.row(i).dot(w.row(j))) < 1e-12);
  CHECK(std::abs(w.row(0).dot(w.row(4))) > 1e-6);
}

TEST_CASE("hedgehog: features of a row sum to 2, or to 1 with one softmax over both signs") {
  // A value of ones in a sequence of one token gives z / (z + eps), and all features of a zero query are
  // equal: z = sum f(k) / (2 D) * (sum f(q)).
  for (const auto& [softmax, sum] : {std::pair("each_sign", 2.0), {"both_signs", 1.0}}) {
    KernelRun run("linear",
                  map_options("hedgehog",
                              {{"hedgehog_softmax", Config::scalar(softmax)}, {"eps", Config::number(0.5)}}),
                  {.batch = 1, .heads = 1, .tq = 1, .tk = 1, .value = 1});
    std::ranges::fill(run.q, 0.0);
    run.v = {1};
    run.forward();
    const double z = sum * sum / 8;
    CHECK(run.o[0] == Approx(z / (z + 0.5)).epsilon(1e-14));
  }
}

TEST_CASE("hedgehog: other signs of the weights and the bias of both maps change nothing") {
  for (const char* softmax : {"each_sign", "both_signs"}) {
    KernelRun run("linear",
                  map_options("hedgehog", {{"hedgehog_softmax", Config::scalar(softmax)},
                                           {"hedgehog_map", Config::scalar("shared")}}),
                  {.tq = 7, .tk = 7});
    for (const char* bias : {"query_features.bias", "key_features.bias"})
      for (Index c = 0; c < 4; ++c) run.params.find(bias).value()(0, c) = 0.5 * static_cast<double>(c) - 1;
    run.forward();
    const std::vector<double> before = run.o;
    for (double& w : run.params.values()) w = -w;
    run.forward();
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(run.o[i] == Approx(before[i]).epsilon(1e-12));
  }
}

TEST_CASE("relu and cosformer: a query without a feature above zero gets output 0 and finite gradients") {
  for (const char* map : {"relu", "cosformer"})
    for (const char* rule : {"add", "max"}) {
      CAPTURE(map, rule);
      KernelRun run("linear", map_options(map, {{"eps_rule", Config::scalar(rule)}}),
                    {.batch = 1, .heads = 1, .tq = 5, .tk = 5});
      for (std::size_t c = 0; c < 4; ++c) run.q[4 * 2 + c] = -1;
      run.run();
      for (std::size_t c = 0; c < 4; ++c) {
        CHECK(run.o[4 * 2 + c] == 0);
        CHECK(run.dq[4 * 2 + c] == 0);
      }
      for (const std::vector<double>* d : {&run.dq, &run.dk, &run.dv})
        CHECK(std::ranges::all_of(*d, [](double x) { return std::isfinite(x); }));
    }
}

TEST_CASE("eps_rule: max is the default of cosformer, and raises only small denominators") {
  CHECK(map_options("cosformer").find("eps_rule")->text() == "max");
  CHECK(map_options("relu").find("eps_rule")->text() == "add");
  // One channel, f(q) f(k) = 0.25 is below eps = 0.5 in the first case and not in the second.
  for (const double k : {0.5, 2.0}) {
    KernelRun run("linear",
                  map_options("relu", {{"eps_rule", Config::scalar("max")}, {"eps", Config::number(0.5)}}),
                  {.batch = 1, .heads = 1, .tq = 1, .tk = 1, .width = 1, .value = 1});
    run.q = {0.5}, run.k = {k}, run.v = {3}, run.upstream = {1};
    run.run();
    CHECK(run.o[0] == Approx(k < 1 ? 1.5 : 3.0));
    CHECK(run.dq[0] == Approx(k < 1 ? 3.0 : 0.0).margin(1e-15));
  }
}
