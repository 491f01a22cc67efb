#include "core/input_projections.h"

#include <vector>

#include "core/check/bench.h"
#include "core/check/gradient.h"
#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

constexpr Index kHeads = 2, kDim = 5, kWidth = 3;

// One input of rank `rank`, projected from x of (batch, time, dim).
struct Projected {
  explicit Projected(Index rank)
      : projections(inputs = {{.name = "gate", .width = kWidth, .bias = 0.5, .rank = rank}}, kHeads,
                    {.dim = kDim, .context_dim = kDim, .heads = kHeads}, params) {
    params.freeze();
    params.initialize(1);
    disturb(params, 0.4);
  }

  // Returns y (batch * time, heads * width).
  const Matrix<double>& forward() {
    step.rewind();
    const Heads<const double> gate = projections.forward(step, seq(x), seq(x))[0];
    for (Index b = 0; b < kBatch; ++b)
      for (Index h = 0; h < kHeads; ++h) y.block(b * kTime, h * kWidth, kTime, kWidth) = gate(b, h);
    return y;
  }
  void backward() {
    params.zero_grads();
    dx.setZero();
    Memory<double> memory = step.memory();
    const Heads<double> dgate = projections.zero_grads(memory)[0];
    for (Index b = 0; b < kBatch; ++b)
      for (Index h = 0; h < kHeads; ++h)
        Mat<double>(dgate(b, h)) = dy.block(b * kTime, h * kWidth, kTime, kWidth);
    projections.backward(step, seq(dx), seq(dx));
  }
  Mat<double> value(const std::string& name) { return params.find(name).value(); }

  static constexpr Index kBatch = 2, kTime = 4;
  static Seq<double> seq(Matrix<double>& m) { return {m.data(), kBatch, kTime, m.cols()}; }

  Params<double> params;
  std::vector<MixerInput> inputs;
  InputProjections<double> projections;
  Step<double> step{1};
  Matrix<double> x = normal_matrix<double>(kBatch * kTime, kDim, 1, "x"),
                 dy = normal_matrix<double>(kBatch * kTime, kHeads*kWidth, 1, "dy"),
                 y = Matrix<double>(kBatch * kTime, kHeads*kWidth), dx = Matrix<double>::Zero(x.rows(), kDim);
};

std::vector<std::string> names_of(const Params<double>& params) {
  std::vector<std::string> out;
  for (const ParamInfo& p : params.infos()) out.push_back(p.name);
  return out;
}

}  // namespace

TEST_CASE("InputProjections: with a rank, an input is x W_down W_up + b") {
  Projected p(2);
  REQUIRE(names_of(p.params) ==
          std::vector<std::string>{"gate.down.weight", "gate.up.weight", "gate.up.bias"});
  REQUIRE(p.value("gate.down.weight").cols() == 2);
  const Matrix<double> w = p.value("gate.down.weight").lazyProduct(p.value("gate.up.weight"));
  CHECK(p.forward().isApprox((p.x.lazyProduct(w)).rowwise() + p.value("gate.up.bias").row(0), 1e-13));
}

TEST_CASE("InputProjections: without a rank, an input is x W + b") {
  Projected p(0);
  REQUIRE(names_of(p.params) == std::vector<std::string>{"gate.weight", "gate.bias"});
  CHECK(p.forward().isApprox(
      (p.x.lazyProduct(p.value("gate.weight"))).rowwise() + p.value("gate.bias").row(0), 1e-13));
}

TEST_CASE("InputProjections: the gradients of both forms agree with differences") {
  const Index rank = GENERATE(0, 1, 2, 7);  // 7: more than the inputs and the outputs
  CAPTURE(rank);
  Projected p(rank);
  p.forward();
  p.backward();
  std::vector<GradientTensor> tensors = parameter_tensors(p.params);
  tensors.push_back({"x", p.x.data(), p.dx.data(), p.x.rows(), p.x.cols()});
  const GradientReport report =
      compare_gradients(tensors, [&] { return p.forward().cwiseProduct(p.dy).sum(); });
  CHECK(report.fault.empty());
  CHECK(report.coordinates > 0);
}

TEST_CASE("InputProjections: a rank divides the FLOPs into those of two maps") {
  CHECK(Projected(0).projections.flops(7, 9) == 2 * 7 * kDim * kHeads * kWidth);
  CHECK(Projected(2).projections.flops(7, 9) == 2 * 7 * 2 * (kDim + kHeads * kWidth));
}

}  // namespace heed
