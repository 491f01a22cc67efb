#include "variants/parts/pattention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/variants/gradients.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

const std::vector<std::string> kModes = {"l2_norm_gelu", "gelu_l2_norm", "softmax"};

// One map over parameter tokens of size one, on random rows.
template <class S>
struct Run {
  explicit Run(const PattentionOptions& chosen, Index tokens = 9, Index in = 5, Index out = 4, Index b = 2,
               Index t = 3, int threads = 1)
      : step(threads), map("map", in, out, tokens, chosen, 1, 1, params), batch(b), time(t) {
    params.freeze();
    for (const ParamInfo& p : params.infos())
      if (p.role == Role::fixed)
        params.find(p.name).value().setConstant(static_cast<S>(p.init.value));
      else
        params.find(p.name).value() = normal_matrix<S>(p.rows, p.cols, 1, p.name);
    x = normal_matrix<S>(batch * time, in, 1, "x");
    dy = normal_matrix<S>(batch * time, out, 1, "dy");
  }

  void forward() {
    step.rewind();
    y = Matrix<S>::Constant(dy.rows(), dy.cols(), std::numeric_limits<S>::quiet_NaN());
    map.forward(step, Seq<const S>{x.data(), batch, time, x.cols()}, Seq<S>{y.data(), batch, time, y.cols()});
  }
  void run() {
    forward();
    params.zero_grads();
    dx = Matrix<S>::Zero(x.rows(), x.cols());
    map.backward(step, Seq<const S>{dy.data(), batch, time, dy.cols()},
                 Seq<S>{dx.data(), batch, time, dx.cols()});
  }
  std::string gradient_fault() {
    run();
    const Mat<S> dkeys = k_grad(), dvalues = v_grad();
    return compare_gradients({{"x", x.data(), dx.data(), x.rows(), x.cols()},
                              {"keys", k().data(), dkeys.data(), dkeys.rows(), dkeys.cols()},
                              {"values", v().data(), dvalues.data(), dvalues.rows(), dvalues.cols()}},
                             [&] {
                               forward();
                               return y.cwiseProduct(dy).sum();
                             })
        .fault;
  }

  Mat<S> k() { return params.find("map.key_tokens").value(); }
  Mat<S> v() { return params.find("map.value_tokens").value(); }
  Mat<S> k_grad() { return params.find("map.key_tokens").grad(); }
  Mat<S> v_grad() { return params.find("map.value_tokens").grad(); }
  S& tau() { return *params.find("map.tau").value().data(); }

  Params<S> params;
  Step<S> step;
  Pattention<S> map;
  Index batch, time;
  Matrix<S> x, y, dy, dx;
};

double gelu(const std::string& kind, double x) {
  if (kind == "erf") return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

// The definition for one row.
std::vector<double> weights(const PattentionOptions& o, double tau, std::vector<double> s) {
  double sum = 0;
  const auto normalize = [&] {
    for (const double a : s) sum += a * a;
    for (double& a : s) a *= tau / (std::sqrt(sum) + o.eps);
  };
  const auto activated = [&] {
    for (double& a : s) a = gelu(o.gelu, a);
  };
  if (o.mode == "l2_norm_gelu") normalize(), activated();
  if (o.mode == "gelu_l2_norm") activated(), normalize();
  if (o.mode == "softmax") {
    for (const double a : s) sum += std::exp(a);
    for (double& a : s) a = tau * std::exp(a) / sum;
  }
  return s;
}

// The map of `old` with more tokens appended: zero keys, and values of size one.
std::unique_ptr<Run<double>> grown(Run<double>& old, const PattentionOptions& chosen, Index more) {
  auto out = std::make_unique<Run<double>>(chosen, old.k().rows() + more);
  out->k().topRows(old.k().rows()) = old.k();
  out->v().topRows(old.v().rows()) = old.v();
  out->k().bottomRows(more).setZero();
  return out;
}

}  // namespace

TEST_CASE("pattention: attention over parameter tokens equals its definition in plain loops") {
  for (const std::string& mode : kModes)
    for (const std::string gelu_kind : {"erf", "tanh"})
      for (const double eps : {0.0, 1e-5, 0.5}) {
        const PattentionOptions chosen{mode, gelu_kind, eps};
        Run<double> run(chosen);
        run.forward();
        CHECK(run.tau() == Approx(mode == "softmax" ? 9 : 3));
        for (Index r = 0; r < run.x.rows(); ++r) {
          std::vector<double> s;
          for (Index j = 0; j < 9; ++j) s.push_back(run.x.row(r).dot(run.k().row(j)));
          const std::vector<double> a = weights(chosen, run.tau(), s);
          for (Index c = 0; c < 4; ++c) {
            double y = 0;
            for (Index j = 0; j < 9; ++j) y += a[static_cast<std::size_t>(j)] * run.v()(j, c);
            REQUIRE(run.y(r, c) == Approx(y).epsilon(1e-12).margin(1e-13));
          }
        }
      }
}

TEST_CASE("pattention: its gradients agree with central differences") {
  for (const std::string& mode : kModes)
    for (const std::string gelu_kind : {"erf", "tanh"})
      for (const double eps : {0.0, 1e-5, 0.5})
        for (const Index tokens : {1, 3, 9}) {
          CAPTURE(mode, gelu_kind, eps, tokens);
          Run<double> run({mode, gelu_kind, eps}, tokens);
          if (mode == "l2_norm_gelu" && tokens == 1 && eps == 0)
            continue;  // a constant: tau s / |s| is a sign
          CHECK(run.gradient_fault() == "");
        }
}

TEST_CASE("pattention: two tokens by hand") {
  // s = (3, 4), |s| = 5, tau = sqrt 2: s^ = sqrt 2 (0.6, 0.8); values are the unit vectors
  Run<double> run({"l2_norm_gelu", "erf", 0}, 2, 2, 2, 1, 1);
  run.k().setIdentity();
  run.v().setIdentity();
  run.x << 3, 4;
  run.dy << 1, 0;
  run.run();
  const double a = std::numbers::sqrt2 * 0.6, b = std::numbers::sqrt2 * 0.8;
  CHECK(run.y(0, 0) == Approx(gelu("erf", a)).epsilon(1e-14));
  CHECK(run.y(0, 1) == Approx(gelu("erf", b)).epsilon(1e-14));
  // ds = sqrt2 / 5 (g - u (u.g)), g = (GELU'(a), 0), u = (0.6, 0.8): sqrt2 / 5 GELU'(a) (0.64, -0.48)
  const double slope = 0.5 * (1 + std::erf(0.6)) + a * std::exp(-a * a / 2) / std::sqrt(2 * std::numbers::pi);
  CHECK(run.dx(0, 0) == Approx(std::numbers::sqrt2 / 5 * slope * 0.64).epsilon(1e-13));
  CHECK(run.dx(0, 1) == Approx(-std::numbers::sqrt2 / 5 * slope * 0.48).epsilon(1e-13));
  CHECK(run.v_grad()(1, 0) == Approx(gelu("erf", b)).epsilon(1e-14));
}

TEST_CASE("pattention: without eps, the size of x does not matter, and gradients lie across x and the keys") {
  Run<double> run({"l2_norm_gelu", "erf", 0});
  run.run();
  const Matrix<double> y = run.y;
  for (Index r = 0; r < run.x.rows(); ++r)
    CHECK(std::abs(run.x.row(r).dot(run.dx.row(r))) < 1e-13 * run.dx.row(r).norm());
  CHECK(std::abs(run.k().cwiseProduct(run.k_grad()).sum()) < 1e-12);
  for (const double c : {1e-6, 7.0, 1e6}) {
    Run<double> scaled({"l2_norm_gelu", "erf", 0});
    scaled.x *= c;
    scaled.forward();
    CHECK(distance(scaled.y, y) < 1e-13);
  }
}

TEST_CASE("pattention: the order of the tokens does not matter") {
  for (const std::string& mode : kModes) {
    Run<double> run({mode, "erf", 1e-5}), turned({mode, "erf", 1e-5});
    turned.k() = run.k().colwise().reverse();
    turned.v() = run.v().colwise().reverse();
    run.forward();
    turned.forward();
    CHECK(distance(run.y, turned.y) < 1e-13);
  }
}

TEST_CASE("pattention: every token twice doubles the output") {
  Run<double> run({"l2_norm_gelu", "erf", 0});
  Run<double> twice({"l2_norm_gelu", "erf", 0}, 18);
  twice.k() << run.k(), run.k();
  twice.v() << run.v(), run.v();
  run.forward();
  twice.forward();
  CHECK(distance(2 * run.y, twice.y) < 1e-13);
}

TEST_CASE(
    "pattention: growing by tokens with zero keys: exact while tau stays, another function when tau "
    "follows") {
  for (const std::string& mode : kModes) {
    const PattentionOptions chosen{mode, "erf", 1e-5};
    Run<double> old(chosen);
    old.forward();
    const auto fixed = grown(old, chosen, 4), following = grown(old, chosen, 4);
    fixed->tau() = old.tau();  // what was saved is kept
    following->tau() = mode == "softmax" ? 13 : std::sqrt(13.0);
    fixed->forward();
    following->forward();
    CAPTURE(mode);
    CHECK(distance(following->y, old.y) > 0.01);
    if (mode == "softmax") {
      CHECK(distance(fixed->y, old.y) > 0.01);  // each zero key weighs exp(0)
    } else {
      CHECK(distance(fixed->y, old.y) < 1e-14);
    }
    if (mode == "gelu_l2_norm") CHECK(distance(following->y, std::sqrt(13.0 / 9) * old.y) < 1e-13);
  }
}

TEST_CASE("pattention: after growth with zero keys, keys learn at once and values not yet") {
  const PattentionOptions chosen{"l2_norm_gelu", "erf", 0};
  Run<double> old(chosen);
  const auto more = grown(old, chosen, 2);
  Run<double>& run = *more;
  run.tau() = old.tau();
  run.run();
  CHECK(run.v_grad().bottomRows(2).cwiseAbs().maxCoeff() == 0);
  Matrix<double> expected = Matrix<double>::Zero(2, 5);  // sum over rows of tau / (2 |s|) (dy . v') x
  for (Index r = 0; r < run.x.rows(); ++r) {
    const double norm = (run.x.row(r) * run.k().transpose()).norm();
    for (Index j = 0; j < 2; ++j)
      expected.row(j) += 0.5 * run.tau() / norm * run.dy.row(r).dot(run.v().row(9 + j)) * run.x.row(r);
  }
  CHECK(distance(run.k_grad().bottomRows(2), expected) < 1e-13);
}

TEST_CASE("pattention: a row of zeros gives zeros; its gradient is the limit where eps is there, else 0") {
  for (const double eps : {0.0, 0.25}) {
    Run<double> run({"l2_norm_gelu", "erf", eps}, 9, 5, 4, 1, 1);
    run.x.setZero();
    run.run();
    CHECK(run.y.cwiseAbs().maxCoeff() == 0);
    CHECK(run.v_grad().cwiseAbs().maxCoeff() == 0);
    // ds = tau / eps * da / 2
    const Matrix<double> limit = run.dy * run.v().transpose() * run.k();
    CHECK(distance(run.dx, eps > 0 ? Matrix<double>(3 / eps / 2 * limit) : Matrix<double>(0 * limit)) <
          1e-12);
  }
  for (const double eps : {0.0, 0.25}) {
    Run<double> run({"gelu_l2_norm", "erf", eps});
    run.x.setZero();
    run.run();
    CHECK(run.y.cwiseAbs().maxCoeff() == 0);
    CHECK(run.dx.allFinite());
  }
}

TEMPLATE_TEST_CASE("pattention: inputs of any size give finite outputs and gradients", "", float, double) {
  for (const std::string& mode : kModes)
    for (const double eps : {0.0, 1e-5})
      for (const double size : {1e4, 1e6, 1e20}) {
        Run<TestType> run({mode, "erf", eps});
        run.x *= static_cast<TestType>(size);
        run.run();
        CAPTURE(mode, size);
        CHECK(run.y.allFinite());
        CHECK(run.dx.allFinite());
        CHECK(run.k_grad().allFinite());
        CHECK(run.v_grad().allFinite());
      }
}

TEST_CASE("pattention: the same bits for 1, 2 and 5 threads, over several groups of blocks") {
  for (const std::string& mode : kModes) {
    const auto make = [&](int threads) {
      auto run =
          std::make_unique<Run<float>>(PattentionOptions{mode, "erf", 1e-5}, 100, 12, 8, 7, 150, threads);
      run->run();
      return run;
    };
    const auto one = make(1);
    for (const int threads : {2, 5}) {
      const auto more = make(threads);
      CHECK(one->y == more->y);
      CHECK(one->dx == more->dx);
      CHECK(std::ranges::equal(one->params.grads(), more->params.grads()));
    }
  }
}

TEST_CASE(
    "pattention: a sequence gives the same bits by itself and in a batch, and the gradients of tokens add "
    "up") {
  for (const std::string& mode : kModes) {
    const PattentionOptions chosen{mode, "erf", 1e-5};
    const Index time = 131, batch = 7;  // 21 blocks: more than one group
    Run<double> all(chosen, 70, 6, 5, batch, time);
    all.run();
    Matrix<double> dk = Matrix<double>::Zero(70, 6), dv = Matrix<double>::Zero(70, 5);
    for (Index b = 0; b < batch; ++b) {
      Run<double> single(chosen, 70, 6, 5, 1, time);
      single.x = all.x.middleRows(b * time, time);
      single.dy = all.dy.middleRows(b * time, time);
      single.run();
      CHECK(single.y == all.y.middleRows(b * time, time));
      CHECK(single.dx == all.dx.middleRows(b * time, time));
      dk += single.k_grad();
      dv += single.v_grad();
    }
    CHECK(distance(dk, all.k_grad()) < 1e-10);
    CHECK(distance(dv, all.v_grad()) < 1e-10);
  }
}

TEST_CASE("pattention: a forward without backward keeps nothing, and a second step takes no memory") {
  Run<float> run({}, 9, 5, 4, 3, 70);
  run.run();
  const std::size_t after_first = run.step.reserved();
  run.run();
  CHECK(run.step.reserved() == after_first);
}

TEST_CASE(
    "pattention: tokens start and decay as in the released models; tau is saved and counts as no parameter") {
  LayerSpec<float> spec{.dim = 16, .context_dim = 16, .layers = 3};
  Params<float> params;
  (void)registry().variant("pattention").make<float>(Config::map(), spec, params);
  REQUIRE(params.infos().size() == 3);
  CHECK(params.infos()[0].rows == 64);
  CHECK(params.infos()[0].init.value == 0.02);
  CHECK(params.infos()[1].init.value == Approx(2 / (3 * 4.0)));
  CHECK(params.infos()[0].role == Role::decayed);
  CHECK(params.infos()[1].role == Role::decayed);
  CHECK(params.infos()[2].role == Role::fixed);
  CHECK(params.infos()[2].init.value == 8);
  CHECK(count(params) == 64 * (16 + 16));
}

TEST_CASE("pattention: as a feed-forward layer: gradients") {
  for (const std::string& mode : kModes) {
    Bench<double> bench(registry().variant("pattention"),
                        options({{"mode", Config::scalar(mode)}, {"tokens", whole(7)}}),
                        {.batch = 2, .time = 3, .dim = 6});
    CHECK(gradient_fault(bench) == "");
    CHECK(bench.layer->cost(10, 10).flops == 2 * 10 * 7 * 12);
  }
}
