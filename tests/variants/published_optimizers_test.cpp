// Optimizers whose reference numbers are computed from their papers (published_numbers.py): Lion and Muon.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <Eigen/SVD>

#include "tests/catch.h"
#include "tests/core/op_bench.h"
#include "tests/core/optimizer_named.h"
#include "tests/variants/published_numbers.h"

namespace heed {
namespace {

using test::optimizer_named;

// Matrices of attention and feed-forward, a decayed head and an undecayed bias: published_numbers.py.
template <class S>
struct Hidden {
  explicit Hidden(Index scale = 1) {
    declare("attention", 4 * scale, 2 * scale, Role::decayed, Component::attention);
    declare("feed_forward", 2 * scale, 3 * scale, Role::decayed, Component::feed_forward);
    declare("head", 2 * scale, 3 * scale, Role::decayed, Component::head);
    declare("bias", 1, 3 * scale, Role::undecayed, Component::attention);
    params.freeze();
  }
  void declare(const std::string& name, Index rows, Index cols, Role role, Component component) {
    const auto scope = params.component(component);
    all.push_back(params.declare(name, rows, cols, Init::normal(0.1), role));
  }

  Params<S> params;
  std::vector<Param<S>> all;
};

double start(Index k, Index i) { return std::cos(static_cast<double>(k + i)); }
double gradient(Index t, Index k, Index i) {
  const auto x = static_cast<double>(i);
  return std::sin(1.7 * static_cast<double>(t) + 0.9 * x + 0.3 + static_cast<double>(k)) * (1 + 0.5 * x);
}

std::vector<double> path(const test::TorchCase& c) {
  Hidden<double> hidden;
  const auto size = [&](Index k) {
    const Param<double>& p = hidden.all[static_cast<std::size_t>(k)];
    return p.rows() * p.cols();
  };
  const auto value = [&](Index k) { return hidden.all[static_cast<std::size_t>(k)].value().data(); };
  const auto grad = [&](Index k) { return hidden.all[static_cast<std::size_t>(k)].grad().data(); };
  for (Index k = 0; k < 4; ++k)
    for (Index i = 0; i < size(k); ++i) value(k)[i] = start(k, i);
  const auto optimizer = optimizer_named(c.name, hidden.params, c.options);
  Step<double> step;
  std::vector<double> out;
  for (Index t = 0; t < 6; ++t) {
    for (Index k = 0; k < 4; ++k)
      for (Index i = 0; i < size(k); ++i) grad(k)[i] = gradient(t, k, i);
    optimizer->update(step, 0.1 / (1 + 0.2 * static_cast<double>(t)));
    for (Index k = 0; k < 4; ++k) out.insert(out.end(), value(k), value(k) + size(k));
  }
  return out;
}

bool agrees(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst < 1e-12;
}

std::set<std::string> published_names() {
  std::set<std::string> out;
  for (const test::TorchCase& c : test::kPublishedOptimizers) out.insert(c.name);
  return out;
}

}  // namespace

TEST_CASE("published optimizers: six updates have the numbers of the papers' formulas") {
  for (const test::TorchCase& c : test::kPublishedOptimizers) {
    CAPTURE(c.name, c.options);
    CHECK(agrees(path(c), c.numbers));
  }
}

TEST_CASE("published optimizers: any other choice of options has other numbers") {
  const auto& all = test::kPublishedOptimizers;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(agrees(path(all[i]), all[j].numbers));
}

TEST_CASE("published optimizers: a step has the same bits for any number of threads") {
  const auto run = [](const std::string& name, int threads) {
    Hidden<float> hidden(37);
    hidden.params.initialize(1);
    Step<float> step(threads);
    const auto optimizer = optimizer_named(name, hidden.params);
    for (std::uint64_t s = 0; s < 3; ++s) {
      for (Param<float>& p : hidden.all) p.grad() = normal_matrix<float>(p.rows(), p.cols(), s, p.name());
      optimizer->update(step, 0.01);
    }
    return std::vector<float>(hidden.params.values().begin(), hidden.params.values().end());
  };
  for (const std::string& name : published_names()) {
    CAPTURE(name);
    CHECK(run(name, 2) == run(name, 1));
    CHECK(run(name, 5) == run(name, 1));
  }
}

TEST_CASE("Lion: each number moves by lr, and by nothing without gradient and momentum") {
  Hidden<double> hidden;
  hidden.all[3].grad() << 1e-9, -1e9, 0;
  Step<double> step;
  optimizer_named("lion", hidden.params)->update(step, 0.25);
  CHECK(hidden.all[3].value()(0, 0) == -0.25);
  CHECK(hidden.all[3].value()(0, 1) == 0.25);
  CHECK(hidden.all[3].value()(0, 2) == 0);
}

TEST_CASE("Muon: the singular values of a step are close to its scale") {
  for (const char* scale : {"original", "match_rms_adamw"}) {
    Hidden<double> hidden(16);
    for (Param<double>& p : hidden.all) p.grad() = normal_matrix<double>(p.rows(), p.cols(), 1, p.name());
    Step<double> step;
    optimizer_named("muon", hidden.params, {{"scale", scale}})->update(step, 1);
    for (const std::size_t k : {0, 1}) {
      const Param<double>& p = hidden.all[k];
      const double in = double(p.rows()), out = double(p.cols());
      const double size = scale == std::string("original") ? std::sqrt(std::max(1.0, out / in))
                                                           : 0.2 * std::sqrt(std::max(in, out));
      const Eigen::VectorXd s = Eigen::JacobiSVD<Eigen::MatrixXd>(p.value()).singularValues();
      CAPTURE(scale, k, size, s.minCoeff(), s.maxCoeff());
      CHECK(s.minCoeff() > 0.6 * size);  // 0.68 to 1.13 of it after five iterations: Jordan et al. 2024
      CHECK(s.maxCoeff() < 1.2 * size);
    }
  }
}

TEST_CASE("Muon: what is not a hidden matrix is trained by AdamW, to the bit") {
  const auto run = [](const std::string& name) {
    Hidden<float> hidden;
    hidden.params.initialize(1);
    Step<float> step;
    const auto optimizer = optimizer_named(name, hidden.params);
    for (std::uint64_t s = 0; s < 3; ++s) {
      for (Param<float>& p : hidden.all) p.grad() = normal_matrix<float>(p.rows(), p.cols(), s, p.name());
      optimizer->update(step, 0.01);
    }
    std::vector<Matrix<float>> values;
    for (const Param<float>& p : hidden.all) values.push_back(p.value());
    return values;
  };
  const auto muon = run("muon"), adamw = run("adamw");
  CHECK(muon[0] != adamw[0]);
  CHECK(muon[1] != adamw[1]);
  CHECK(muon[2] == adamw[2]);
  CHECK(muon[3] == adamw[3]);
}

TEST_CASE("Muon: gradients that are zero, tiny or huge give finite steps") {
  for (const float g : {0.0F, 1e-30F, 1e30F}) {
    Hidden<float> hidden;
    hidden.all[0].grad().setConstant(g);
    hidden.all[1].grad().setConstant(g);
    Step<float> step;
    optimizer_named("muon", hidden.params)->update(step, 1);
    for (const std::size_t k : {0, 1}) {
      CAPTURE(g, k);
      CHECK(hidden.all[k].value().allFinite());
      CHECK(hidden.all[k].value().isZero() == (g < 1e-20F));
    }
  }
}

TEST_CASE("Muon: Nesterov momentum without momentum is refused") {
  Hidden<double> hidden;
  CHECK_THROWS_AS(optimizer_named("muon", hidden.params, {{"momentum", "0"}}), ConfigError);
  CHECK_NOTHROW(optimizer_named("muon", hidden.params, {{"momentum", "0"}, {"nesterov", "false"}}));
}

}  // namespace heed
