#include "core/ops/norm.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

template <class S>
OpBench<Norm<S>, S> norm(const NormSpec& spec, Index batch, Index time, Index dim, int threads = 1) {
  return {{batch, time, dim, dim}, [&](Params<S>& p) { return Norm<S>("norm", dim, spec, p); }, threads};
}

const NormSpec kLayer{.kind = NormKind::layer}, kRms{.kind = NormKind::rms};

}  // namespace

TEST_CASE("norm: layer norm of two rows, by hand") {
  // Row (1, 3): mean 2, stddev 1, z = (-1, 1). In two dimensions z is always (-1, 1) or (1, -1): dx = 0.
  auto b = norm<double>({.kind = NormKind::layer, .eps = 0}, 1, 2, 2);
  b.x = matrix<double>({{1, 3}, {8, 4}});
  b.dy = matrix<double>({{1, 2}, {3, 5}});
  b.value("norm.gain") = matrix<double>({{2, 3}});
  b.value("norm.bias") = matrix<double>({{10, 20}});
  b.run();
  CHECK(b.y == matrix<double>({{8, 23}, {12, 17}}));
  CHECK(b.dx.cwiseAbs().maxCoeff() < 1e-15);
  CHECK(b.grad("norm.gain") == matrix<double>({{-1 + 3, 2 - 5}}));
  CHECK(b.grad("norm.bias") == matrix<double>({{4, 7}}));
}

TEST_CASE("norm: RMS norm of two rows, by hand") {
  // (1, 7) and (-5, 5) have the mean square 25: z = x / 5. With gain 1, dx = (dy - z mean(dy z)) / 5.
  auto b = norm<double>({.kind = NormKind::rms, .eps = 0}, 1, 2, 2);
  b.x = matrix<double>({{1, 7}, {-5, 5}});
  b.dy = matrix<double>({{1, 0}, {1, 2}});
  b.value("norm.gain").setOnes();
  b.run();
  CHECK(b.y.isApprox(matrix<double>({{0.2, 1.4}, {-1, 1}}), 1e-15));
  CHECK(b.dx.isApprox(matrix<double>({{0.196, -0.028}, {0.3, 0.3}}), 1e-14));
  CHECK(b.grad("norm.gain").isApprox(matrix<double>({{-0.8, 2}}), 1e-15));
}

TEST_CASE("norm: the gradients of the norms agree with differences") {
  for (const NormKind kind : {NormKind::layer, NormKind::rms})
    for (const bool gain : {true, false})
      for (const bool bias : {true, false})
        for (const double eps : {1e-5, 0.5}) {
          CAPTURE(static_cast<int>(kind), gain, bias, eps);
          const NormSpec spec{.kind = kind, .eps = eps, .gain = gain, .bias = bias};
          CHECK(norm<double>(spec, 3, 5, 7).gradient_fault().empty());
          CHECK(norm<double>(spec, 1, 67, 3).gradient_fault().empty());  // more rows than a task takes
        }
}

TEST_CASE("norm: a constant row gives the bias, and a finite gradient") {
  auto b = norm<double>(kLayer, 1, 3, 5);
  for (Index r = 0; r < 3; ++r) b.x.row(r).setConstant(std::pow(10.0, 3.0 * static_cast<double>(r)) / 3);
  b.run();
  for (Index r = 0; r < 3; ++r) CHECK((b.y.row(r) - b.value("norm.bias")).cwiseAbs().maxCoeff() < 1e-6);
  CHECK(b.dx.allFinite());
}

TEST_CASE("norm: a row of zeros gives zeros of RMS norm, and a finite gradient") {
  auto b = norm<float>(kRms, 1, 2, 5);
  b.x.setZero();
  b.run();
  CHECK((b.y.array() == 0).all());
  CHECK(b.dx.allFinite());
}

TEST_CASE("layer norm does not see a shift: the gradient of a row sums to zero") {
  auto b = norm<double>(kLayer, 2, 5, 9);
  b.run();
  CHECK(b.dx.rowwise().sum().cwiseAbs().maxCoeff() < 1e-14);
  const Matrix<double> y = b.y;
  b.x.array() += 3;
  b.forward();
  CHECK(b.y.isApprox(y, 1e-13));
}

TEST_CASE("norm: the scale of a row has no effect, so the gradient is orthogonal to the row") {
  for (const NormKind kind : {NormKind::layer, NormKind::rms}) {
    auto b = norm<double>({.kind = kind, .eps = 0}, 2, 5, 9);
    b.run();
    CHECK(b.dx.cwiseProduct(b.x).rowwise().sum().cwiseAbs().maxCoeff() < 1e-14);
    const Matrix<double> y = b.y;
    b.x *= 1e3;
    b.forward();
    CHECK(b.y.isApprox(y, 1e-13));
  }
}

TEST_CASE("norm: huge and tiny rows give finite numbers") {
  for (const NormSpec& spec : {kLayer, kRms})
    for (const float size : {1e-30F, 1e18F, 1e30F}) {  // the square of the last overflows
      CAPTURE(static_cast<int>(spec.kind), size);
      auto b = norm<float>(spec, 2, 3, 7);
      b.x *= size;
      b.run();
      CHECK(b.y.allFinite());
      CHECK(b.dx.allFinite());
      CHECK(b.grad("norm.gain").allFinite());
    }
}

TEST_CASE("norm: the norms have the same bits for any number of threads") {
  auto one = norm<float>(kLayer, 2, 100, 33);
  one.run();
  for (const int threads : {2, 5}) {
    auto more = norm<float>(kLayer, 2, 100, 33, threads);
    more.run();
    CHECK(more.y == one.y);
    CHECK(more.dx == one.dx);
    CHECK(more.grad("norm.gain") == one.grad("norm.gain"));
    CHECK(more.grad("norm.bias") == one.grad("norm.bias"));
  }
}

TEST_CASE("norm: a gain is declared by default, a bias only by layer norm; neither decays") {
  const auto declared = [](const NormSpec& spec) {
    Params<float> params;
    const Norm<float> norm("norm", 3, spec, params);
    std::string out;
    for (const ParamInfo& p : params.infos()) out += (p.role == Role::undecayed ? " " : " decayed ") + p.name;
    return out;
  };
  CHECK(declared(kLayer) == " norm.gain norm.bias");
  CHECK(declared({.kind = NormKind::layer, .bias = false}) == " norm.gain");
  CHECK(declared(kRms) == " norm.gain");
  CHECK(declared({.kind = NormKind::layer, .gain = false}).empty());
}

}  // namespace heed
