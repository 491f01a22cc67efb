// Mamba-2's layer, beyond what conformance and reference numbers show.
#include "variants/parts/ssd_group.h"

#include <cmath>
#include <limits>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

struct HeadRun {  // a group of one head
  Matd x = normal_matrix<double>(11, 3, 1, "x"), b = normal_matrix<double>(11, 4, 1, "b"),
       c = normal_matrix<double>(11, 4, 1, "c"), dt = Matd::Constant(11, 1, 0.5), y = Matd::Zero(11, 3);

  const Matd& run(double a_log, double d, Index chunk) {
    const auto view = [](const Matd& m) { return const_mat(m.data(), m.rows(), m.cols()); };
    Step<double> step;
    Memory<double> memory = step.memory();
    ssd_forward<double>(
        {view(x), view(dt), view(b), view(c), const_mat(&a_log, 1, 1), const_mat(&d, 1, 1), chunk},
        mat(y.data(), 11, 3), memory);
    return y;
  }
};

Matd lower(const Matd& m) { return m.triangularView<Eigen::Lower>(); }

VariantInfo ssd() { return registry().variant("ssd"); }
Config defaults() {
  Problems problems;
  return ssd().resolve({}, "ssd", problems);
}

}  // namespace

TEST_CASE("ssd: without decay a head is the sum rule of its values dt x, plus D x") {
  HeadRun h;
  const Matd expected = lower(h.c.lazyProduct(h.b.transpose())).lazyProduct(0.5 * h.x) + 0.3 * h.x;
  for (const Index chunk : {1, 4, 64})
    CHECK(distance(h.run(-std::numeric_limits<double>::infinity(), 0.3, chunk), expected) < 1e-13);
}

TEST_CASE("ssd: with equal step sizes a head is retention") {
  HeadRun h;
  const double a_log = 0.4, gamma = std::exp(-std::exp(a_log) * 0.5);
  Matd p = lower(h.c.lazyProduct(h.b.transpose()));
  for (Index i = 0; i < 11; ++i)
    for (Index j = 0; j < i; ++j) p(i, j) *= std::pow(gamma, static_cast<double>(i - j));
  CHECK(distance(h.run(a_log, 0, 4), p.lazyProduct(0.5 * h.x)) < 1e-13);
}

TEST_CASE("ssd: the first output is (C.B) dt x + D x, with the x before dt") {
  HeadRun h;
  h.dt(0, 0) = 2;
  const Matd expected = (h.c.row(0).dot(h.b.row(0)) * 2 + 0.7) * h.x.row(0);
  CHECK(distance(h.run(1, 0.7, 5).row(0), expected) < 1e-14);
}

TEST_CASE("ssd starts with decay rates of 1 to 16 and step sizes of 0.001 to 0.1") {
  Params<double> params;
  const LayerSpec<double> spec{.dim = 64, .context_dim = 64, .heads = 64, .length = 8};
  const auto layer = ssd().make<double>(defaults(), spec, params);
  params.freeze();
  params.initialize(1);
  for (Index h = 0; h < 64; ++h) {
    const double rate = std::exp(params.find("a_log").value()(0, h));
    const double dt = std::log1p(std::exp(params.find("dt_bias").value()(0, h)));
    CHECK((rate >= 1 && rate <= 16));
    CHECK((dt >= 0.00099 && dt <= 0.101));
  }
}

TEST_CASE("ssd refuses a bidirectional pass, and groups that do not divide the heads") {
  Params<double> params;
  LayerSpec<double> spec{
      .dim = 12, .context_dim = 12, .heads = 3, .length = 8, .causality = {.causal = false}};
  CHECK_THROWS_WITH(ssd().make<double>(defaults(), spec, params), ContainsSubstring("causal mask"));
  spec.causality.causal = true;
  Problems problems;
  const Config two = ssd().resolve(options({{"groups", whole(2)}}), "ssd", problems);
  CHECK_THROWS_WITH(ssd().make<double>(two, spec, params), ContainsSubstring("'groups' is 2"));
}
