#include <cmath>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

Config without(std::initializer_list<const char*> names, Index tile = 3) {
  Config c = options({{"tile", whole(tile)}});
  for (const char* name : names) c.set(name, Config::boolean(false));
  return c;
}

double lambda_init(Index depth) { return 0.8 - 0.6 * std::exp(-0.3 * static_cast<double>(depth)); }

double lambda(KernelRun& run) {
  const auto dot = [&](const char* a, const char* b) {
    return std::exp(run.params.find(a).value().row(0).dot(run.params.find(b).value().row(0)));
  };
  return dot("lambda_q1", "lambda_k1") - dot("lambda_q2", "lambda_k2") + lambda_init(run.sizes.depth);
}

// lambda as given, whatever lambda_init is
void set_lambda(KernelRun& run, double value) {
  run.params.find("lambda_q1").value().setZero(), run.params.find("lambda_k1").value().setZero();
  run.params.find("lambda_q2").value().setZero(), run.params.find("lambda_k2").value().setZero();
  const double e = value - lambda_init(run.sizes.depth) + 1;  // exp(a) = e
  run.params.find("lambda_q1").value()(0, 0) = 1, run.params.find("lambda_k1").value()(0, 0) = std::log(e);
}

const std::vector<Sizes> kShapes = {
    {.tq = 1, .tk = 1},
    {.tq = 7, .tk = 7, .depth = 3},
    {.tq = 5, .tk = 9, .causality = {.causal = false}, .depth = 1},
    {.tq = 9, .tk = 5, .causality = {.causal = false}, .slope = 0.3},
    {.tq = 6, .tk = 8, .slope = 0.2, .depth = 2},
};

}  // namespace

TEST_CASE(
    "differential: the pair of a head, the difference, the norm and the factor are those of the paper") {
  for (const Sizes& s : kShapes)
    for (Index tile : {1, 3, 64}) {
      KernelRun run("differential", options({{"tile", whole(tile)}}), s);
      run.params.find("gain").value().row(0).setLinSpaced(0.5, 2);
      run.forward();
      REQUIRE(run.key == 4);  // two maps of width 2
      for (Index b = 0; b < s.batch; ++b)
        for (Index h = 0; h < s.heads; ++h) {
          const Matd q = run.head(run.q, s.tq, 4, b, h), k = run.head(run.k, s.tk, 4, b, h);
          const Matd v = run.head(run.v, s.tk, 4, b, h), zero = Matd::Zero(s.tq, 4);
          const auto map = [&](Index m) {
            return naive_softmax(
                q.middleCols(2 * m, 2), k.middleCols(2 * m, 2), v, zero, 1 / std::sqrt(2.0),
                [&](Index i, Index j) { return !run.mask().hides(i, j); },
                s.slope * static_cast<double>(h + 1), run.mask().causal ? run.mask().offset : 0);
          };
          const Matd p = map(0).p - lambda(run) * map(1).p;
          Matd y = p.lazyProduct(v);
          for (Index i = 0; i < s.tq; ++i) {
            y.row(i) *= (1 - lambda_init(s.depth)) / std::sqrt(y.row(i).squaredNorm() / 4 + 1e-5);
            y.row(i) = y.row(i).cwiseProduct(run.params.find("gain").value().row(0)).eval();
          }
          CHECK(distance(run.weights(b, h), p) < 1e-12);
          CHECK(distance(run.head(run.o, s.tq, 4, b, h), y) < 1e-12);
        }
    }
}

TEST_CASE("differential gradients agree with central differences, with every part on and off") {
  const std::vector<Config> choices = {without({}),
                                       without({"subtraction"}),
                                       without({"head_norm"}),
                                       without({"half_width"}),
                                       without({"gain"}),
                                       without({"subtraction", "half_width"}),
                                       without({"subtraction", "head_norm", "half_width"})};
  for (const Config& choice : choices)
    for (const Sizes& s : kShapes) {
      CAPTURE(choice.canonical(), s.tq, s.tk);
      KernelRun run("differential", choice, s);
      CHECK(distance_from_differences(run) < 1e-7);  // the norm's third derivatives are large
    }
}

TEST_CASE("differential: without its three parts differential attention is softmax, bit for bit") {
  for (const Sizes& s : kShapes) {
    KernelRun off("differential", without({"subtraction", "head_norm", "half_width"}, 4), s);
    KernelRun softmax("softmax", options({{"tile", whole(4)}}), s);
    off.run(), softmax.run();
    CHECK(off.params.infos().empty());
    CHECK((off.o == softmax.o));
    CHECK((off.dq == softmax.dq));
    CHECK((off.dk == softmax.dk));
    CHECK((off.dv == softmax.dv));
    CHECK(off.weights(1, 1) == softmax.weights(1, 1));
    const Cost a = off.kernel->cost(s.tq, s.tk), b = softmax.kernel->cost(s.tq, s.tk);
    CHECK(a.flops == b.flops);
    CHECK(a.state_bytes == b.state_bytes);
  }
}

TEST_CASE("differential: rows of the signed weights sum to 1 - lambda") {
  KernelRun run("differential", {}, {.tq = 6, .tk = 6, .depth = 4});
  run.forward();
  CHECK((run.weights(1, 0).rowwise().sum().array() - (1 - lambda(run))).abs().maxCoeff() < 1e-12);
}

TEST_CASE("differential: the first causal output is a normed first value, with the sign of 1 - lambda") {
  for (double value : {0.3, 1.7}) {
    KernelRun run("differential", {}, {.tq = 4, .tk = 4, .depth = 2});
    set_lambda(run, value);
    run.forward();
    const Matd v = run.head(run.v, 4, 4, 0, 1).row(0), o = run.head(run.o, 4, 4, 0, 1).row(0);
    const double sign = value < 1 ? 1 : -1;
    CHECK(distance(o, sign * (1 - lambda_init(2)) * v / std::sqrt(v.squaredNorm() / 4)) < 1e-3);  // up to eps
  }
}

TEST_CASE("differential: equal maps and lambda 1 give output zero and finite gradients") {
  KernelRun run("differential", {}, {.tq = 5, .tk = 5});
  set_lambda(run, 1);
  for (auto* x : {&run.q, &run.k})
    for (std::size_t i = 0; i < x->size(); i += 4) (*x)[i + 2] = (*x)[i], (*x)[i + 3] = (*x)[i + 1];
  run.run();
  for (double y : run.o) CHECK(std::abs(y) < 1e-9);  // rounding, amplified by 1 / sqrt(eps)
  for (const auto* x : {&run.dq, &run.dk, &run.dv})
    for (double y : *x) CHECK(std::isfinite(y));
}

TEST_CASE("differential: the output's size does not depend on the values' size") {
  KernelRun run("differential", {}, {.tq = 5, .tk = 5, .depth = 1});
  for (double factor : {1e2, 1e4}) {
    for (double& x : run.v) x *= factor;
    run.forward();
    const Matd o = run.head(run.o, 5, 4, 1, 1);
    for (Index i = 0; i < 5; ++i)
      CHECK(o.row(i).squaredNorm() / 4 == Approx(std::pow(1 - lambda_init(1), 2)).epsilon(1e-6));
  }
}

TEST_CASE("differential attention of one token, by hand") {
  // both maps are 1, so u = (1 - lambda) v = 0.5 (2, -2); its mean square is 1:
  //     o = 0.8 (1, -1) / sqrt(1 + eps)
  KernelRun run("differential", options({{"eps", Config::number(0)}}),
                {.batch = 1, .heads = 1, .tq = 1, .tk = 1, .width = 2, .value = 2});
  set_lambda(run, 0.5);
  run.v = {2, -2};
  run.forward();
  CHECK(run.o[0] == Approx(0.8));
  CHECK(run.o[1] == Approx(-0.8));
}

TEST_CASE("differential parameters: four vectors and a gain, none of them decayed; depth sets lambda_init") {
  LayerSpec<double> spec{.dim = 16, .context_dim = 16, .heads = 2, .depth = 2, .length = 4};
  Params<double> params;
  const auto layer = registry().variant("differential").make<double>({}, spec, params);
  CHECK(count(params) == 4 * 16 * 16 + 4 * 16 + 4 * 4 + 8);  // projections, their biases, extras
  CHECK(params.find("lambda_q1").cols() == 4);
  CHECK(params.find("gain").cols() == 8);
  for (const ParamInfo& p : params.infos())
    if (p.name == "gain" || p.name.substr(0, 6) == "lambda") CHECK(p.role == Role::undecayed);
  spec.dim = 6;
  Params<double> other;
  CHECK_THROWS_WITH(registry().variant("differential").make<double>({}, spec, other),
                    ContainsSubstring("must be even"));
}

TEST_CASE("differential: huge scores leave differential attention finite") {
  KernelRun run("differential", options({{"tile", whole(2)}}), {.tq = 6, .tk = 6});
  for (auto* x : {&run.q, &run.k})
    for (double& y : *x) y *= 200;
  run.run();
  for (const auto* x : {&run.o, &run.dq, &run.dk, &run.dv})
    for (double y : *x) CHECK(std::isfinite(y));
}
