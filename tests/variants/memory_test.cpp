// Persistent vectors: softmax over the sequence and the vectors, by the definition and in special cases.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "core/check/bench.h"
#include "core/layer.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config vectors(Index n, Index tile = 64) { return options({{"vectors", whole(n)}, {"tile", whole(tile)}}); }

// One head's rows of a parameter, or of its gradient.
Matd block(const Matd& all, Index head, Index n) { return all.middleRows(head * n, n); }

Matd below(const Matd& a, const Matd& b) {
  Matd out(a.rows() + b.rows(), a.cols());
  out << a, b;
  return out;
}

// Softmax over the sequence and n vectors of one head, as one concatenated sequence.
Naive concatenated(KernelRun& run, Index b, Index h, Index n) {
  const Sizes& s = run.sizes;
  const double root_width = std::sqrt(static_cast<double>(run.key)),
               root_n = std::sqrt(static_cast<double>(n));
  const Matd keys = block(run.params.find("memory_key").value(), h, n);
  const Matd values = block(run.params.find("memory_value").value(), h, n);
  const Mask mask = run.mask();
  return naive_softmax(run.head(run.q, s.tq, run.key, b, h),
                       below(run.head(run.k, s.tk, run.key, b, h), root_width * keys),
                       below(run.head(run.v, s.tk, s.value, b, h), root_n * values),
                       run.head(run.upstream, s.tq, s.value, b, h), 1 / root_width,
                       [&](Index i, Index j) { return j >= s.tk || !mask.hides(i, j); });
}

// The largest difference between a run and the concatenation, over all heads and gradients.
double distance_from_concatenated(KernelRun& run, Index n) {
  run.run();
  const Sizes& s = run.sizes;
  const double root_width = std::sqrt(static_cast<double>(run.key)),
               root_n = std::sqrt(static_cast<double>(n));
  double worst = 0;
  for (Index h = 0; h < s.heads; ++h) {
    Matd d_keys = Matd::Zero(n, run.key), d_values = Matd::Zero(n, s.value);
    for (Index b = 0; b < s.batch; ++b) {
      const Naive wanted = concatenated(run, b, h, n);
      d_keys += root_width * wanted.dk.bottomRows(n);
      d_values += root_n * wanted.dv.bottomRows(n);
      worst = std::max({worst, distance(wanted.o, run.head(run.o, s.tq, s.value, b, h)),
                        distance(wanted.p.leftCols(s.tk), run.weights(b, h)),
                        distance(wanted.dq, run.head(run.dq, s.tq, run.key, b, h)),
                        distance(wanted.dk.topRows(s.tk), run.head(run.dk, s.tk, run.key, b, h)),
                        distance(wanted.dv.topRows(s.tk), run.head(run.dv, s.tk, s.value, b, h))});
    }
    worst = std::max({worst, distance(d_keys, block(run.params.find("memory_key").grad(), h, n)),
                      distance(d_values, block(run.params.find("memory_value").grad(), h, n))});
  }
  return worst;
}

// Causal, bidirectional, cross-attention, and the first two queries without a visible key.
std::vector<Sizes> shapes() {
  return {{.tq = 7, .tk = 7},
          {.tq = 7, .tk = 7, .causality = {.causal = false}},
          {.heads = 3, .tq = 5, .tk = 9, .causality = {.causal = false}},
          {.tq = 6, .tk = 4, .causality = {.causal = true, .offset = -2}}};
}

// A layer of 8 channels and 2 heads on one sequence, with positions or without.
struct Rotated {
  Rotated(const PositionInfo* info, Index offset) : x(normal_matrix<double>(6, 8, 1, "x")) {
    Problems problems;
    if (info) position = info->make<double>(info->resolve({}, info->name, problems), {8, 2, 6}, params);
    const VariantInfo& variant = registry().variant("memory");
    layer = variant.make<double>(variant.resolve(vectors(5), "memory", problems),
                                 {.dim = 8,
                                  .context_dim = 8,
                                  .heads = 2,
                                  .length = 6,
                                  .causality = {.causal = true, .offset = offset},
                                  .position = position.get()},
                                 params);
    params.freeze();
    params.initialize(1);
    for (const ParamInfo& p : params.infos())
      params.find(p.name).value() += normal_matrix<double>(p.rows, p.cols, 1, p.name, 0.4);
    y = dx = Matd::Zero(6, 8);
    const Seq<const double> in{x.data(), 1, 6, 8};
    layer->forward(step, in, in, {y.data(), 1, 6, 8});
    layer->backward(step, in, {dx.data(), 1, 6, 8}, {dx.data(), 1, 6, 8});
  }

  Params<double> params;
  std::unique_ptr<Position<double>> position;
  std::unique_ptr<Layer<double>> layer;
  Step<double> step;
  Matd x, y, dx;
};

}  // namespace

TEST_CASE("memory: is softmax over the sequence and the vectors, with every tile size") {
  for (const Sizes& s : shapes())
    for (Index n : {1, 2, 5})
      for (Index tile : {1, 2, 3, 64}) {
        CAPTURE(s.tq, s.tk, s.causality.causal, n, tile);
        KernelRun run("memory", vectors(n, tile), s);
        CHECK(distance_from_concatenated(run, n) < kRounding);
      }
}

TEST_CASE("memory: gradients agree with central differences, with a bias of the scores too") {
  for (Sizes s : shapes())
    for (double slope : {0.0, 0.3}) {
      s.slope = slope;
      CAPTURE(s.tq, s.tk, s.causality.causal, slope);
      KernelRun run("memory", vectors(3, 2), s);
      CHECK(distance_from_differences(run) < kDifferences);
    }
}

TEST_CASE("memory: without vectors it has the bits of softmax") {
  for (const Sizes& s : shapes())
    for (double slope : {0.0, 0.3}) {
      Sizes sizes = s;
      sizes.slope = slope;
      KernelRun memory("memory", vectors(0), sizes), softmax("softmax", Config::map(), sizes);
      memory.run(), softmax.run();
      CAPTURE(s.tq, s.tk, s.causality.causal, slope);
      CHECK(memory.o == softmax.o);
      CHECK(memory.dq == softmax.dq);
      CHECK(memory.dk == softmax.dk);
      CHECK(memory.dv == softmax.dv);
      CHECK(memory.params.infos().empty());
      CHECK(memory.kernel->cost(s.tq, s.tk).flops == softmax.kernel->cost(s.tq, s.tk).flops);
    }
}

TEST_CASE("memory: a query that sees no key of the sequence looks up the vectors") {
  KernelRun run("memory", vectors(3), {.tq = 4, .tk = 4, .causality = {.causal = true, .offset = -2}});
  run.run();
  const Matd keys = block(run.params.find("memory_key").value(), 1, 3);
  const Matd values = block(run.params.find("memory_value").value(), 1, 3);
  const Matd q = run.head(run.q, 4, 4, 0, 1), o = run.head(run.o, 4, 4, 0, 1);
  for (Index i = 0; i < 2; ++i) {
    Eigen::RowVectorXd p = (q.row(i) * keys.transpose()).array().exp();
    p /= p.sum();
    CHECK((std::sqrt(3.0) * p * values - o.row(i)).cwiseAbs().maxCoeff() < kRounding);
  }
  CHECK(run.weights(0, 1).topRows(2).isZero(0));
}

TEST_CASE("memory: scores far apart leave one side, without a number that is not finite") {
  for (const double size : {1e3, -1e3}) {
    KernelRun run("memory", vectors(2), {.tq = 3, .tk = 3});
    run.params.find("memory_key").value().setConstant(size);
    for (double& x : run.q) x = 1;
    run.run();
    CAPTURE(size);
    CHECK(std::ranges::all_of(run.o, [](double x) { return std::isfinite(x); }));
    CHECK(std::ranges::all_of(run.dq, [](double x) { return std::isfinite(x); }));
    const double visible = run.weights(0, 0).rowwise().sum().maxCoeff();
    CHECK(std::abs(visible - (size > 0 ? 0 : 1)) < kRounding);
  }
}

TEST_CASE("memory: rotary positions and ALiBi do not act on the vectors") {
  // At offset -6 no key is visible, so only the vectors are read.
  const Rotated plain(nullptr, -6);
  for (const char* name : {"rope", "alibi"}) {
    const Rotated with(&registry().position(name), -6);
    CAPTURE(name);
    CHECK(with.y == plain.y);
    CHECK(with.dx == plain.dx);
    CHECK(with.params.infos().back().name == plain.params.infos().back().name);
    CHECK(std::ranges::equal(with.params.grads(), plain.params.grads()));
    // With visible keys they act.
    CHECK(distance(Rotated(&registry().position(name), 0).y, Rotated(nullptr, 0).y) > 1e-6);
  }
}
