#include "core/model/block.h"

#include <cmath>

#include "core/ops/linear.h"
#include "tests/catch.h"
#include "tests/core/model/self_block.h"
#include "tests/core/naive_mixer.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

// y = scale * x
template <class S>
class Scale final : public Layer<S> {
 public:
  explicit Scale(double scale) : scale_(static_cast<S>(scale)) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = scale_ * x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += scale_ * dy.rows(); }
  Cost cost(Index, Index) const override { return {.flops = 10, .state_bytes = 4}; }

 private:
  S scale_;
};

// y = x w + b
class Map final : public Layer<double> {
 public:
  Map(Index dim, Params<double>& params) : map_("map", dim, dim, true, 0.3, params) {}
  void forward(Step<double>& step, Seq<const double> x, Seq<const double>, Seq<double> y) override {
    map_.forward(step, x, y);
  }
  void backward(Step<double>& step, Seq<const double> dy, Seq<double> dx, Seq<double>) override {
    map_.backward(step, dy, dx);
  }
  Cost cost(Index, Index) const override { return {}; }

 private:
  Linear<double> map_;
};

using Sublayers = std::vector<SublayerSpec<double>>;

SublayerSpec<double> scale(const char* name, double factor) {
  return {name, [=] { return std::make_unique<Scale<double>>(factor); }};
}

// dim 2, no gains, eps 0: layer norm makes (-1, 1) or (1, -1) of every row.
OpBench<SelfBlock<double>, double> plain_block(const NormSpec& norm, const Sublayers& sublayers) {
  return {{1, 2, 2, 2}, [&](Params<double>& p) { return SelfBlock(Block<double>(2, norm, sublayers, p)); }};
}

const NormSpec kLayer{.kind = NormKind::layer, .eps = 0, .gain = false};
const NormSpec kRms{.kind = NormKind::rms, .eps = 0, .gain = false};

}  // namespace

TEST_CASE("Block: two rows, by hand") {
  auto b = plain_block(kLayer, {scale("attention", 2), scale("feed_forward", 10)});
  b.x = matrix<double>({{1, 3}, {4, 0}});
  b.dy = matrix<double>({{1, 2}, {3, 4}});
  b.run();
  // h = x + 2 (-1, 1) = (-1, 5);   y = h + 10 (-1, 1)
  CHECK(b.y == matrix<double>({{-11, 15}, {16, -12}}));
  CHECK(b.dx.isApprox(b.dy, 1e-14));  // a norm of two numbers has no slope: what is left is the residual
}

TEST_CASE("Block: without a feed-forward it is the attention half") {
  auto b = plain_block(kRms, {scale("attention", 5)});
  b.x = matrix<double>({{1, 7}, {-5, 5}});
  b.dy = matrix<double>({{1, 0}, {1, 2}});
  b.run();
  // h = x + 5 x / 5;   dx = dy + 5 (dy - z mean(dy z)) / 5
  CHECK(b.y.isApprox(matrix<double>({{2, 14}, {-10, 10}}), 1e-14));
  CHECK(b.dx.isApprox(matrix<double>({{1.98, -0.14}, {2.5, 3.5}}), 1e-13));
}

TEST_CASE("block: gradients agree with differences") {
  for (const NormKind kind : {NormKind::layer, NormKind::rms})
    for (const bool with_feed_forward : {true, false}) {
      CAPTURE(static_cast<int>(kind), with_feed_forward);
      OpBench<SelfBlock<double>, double> b({3, 5, 6, 6}, [&](Params<double>& p) {
        const LayerSpec<double> spec{.dim = 6, .context_dim = 6, .heads = 3, .length = 5};
        Sublayers sublayers = {
            {"attention", [&] { return make_mixer_layer(NaiveMixer<double>(), spec, p); }}};
        if (with_feed_forward)
          sublayers.push_back({"feed_forward", [&] { return std::make_unique<Map>(6, p); }});
        return SelfBlock(Block<double>(6, {.kind = kind}, sublayers, p));
      });
      CHECK(b.gradient_fault() == "");
    }
}

TEST_CASE("Block: backward adds to the gradient") {
  auto b = plain_block(kRms, {scale("attention", 3), scale("feed_forward", 2)});
  b.run();
  const Matrix<double> once = b.dx;
  b.backward();
  CHECK(b.dx.isApprox(2 * once, 1e-14));
}

TEST_CASE("block: huge rows give finite results") {
  auto b = plain_block({.kind = NormKind::layer, .gain = false},
                       {scale("attention", 1), scale("feed_forward", 1)});
  b.x *= 1e150;
  b.run();
  CHECK(b.y.isApprox(b.x, 1e-14));  // what the branches add is of size one
  CHECK(b.dx.allFinite());
}

TEST_CASE("Block: parameters are named by the sublayers") {
  Params<double> params;
  const auto map = [&] { return std::make_unique<Map>(6, params); };
  const Block<double> block(
      6, {.kind = NormKind::layer},
      {{"attention", map}, {"cross_attention", map, Context::encoder}, {"feed_forward", map}}, params);
  std::string names;
  for (const ParamInfo& p : params.infos())
    if (p.name.ends_with(".weight") || p.name.ends_with(".gain")) names += p.name + ' ';
  CHECK(names ==
        "norm1.gain attention.map.weight norm2.gain cross_attention.map.weight "
        "norm3.gain feed_forward.map.weight ");
}

TEST_CASE("Block: its cost is that of its layers, with the context's length in cross-attention") {
  // Multiplies, and keeps, a number for each pair.
  class Pairs final : public Layer<double> {
   public:
    void forward(Step<double>&, Seq<const double>, Seq<const double>, Seq<double>) override {}
    void backward(Step<double>&, Seq<const double>, Seq<double>, Seq<double>) override {}
    Cost cost(Index tq, Index tk) const override {
      return {.flops = static_cast<double>(tq * tk), .state_bytes = static_cast<double>(tk)};
    }
  };
  Params<double> params;
  const auto pairs = [] { return std::make_unique<Pairs>(); };
  const Block<double> block(2, kLayer, {{"attention", pairs}, {"cross_attention", pairs, Context::encoder}},
                            params);
  CHECK(block.cost(7, 100).flops == 7 * 7 + 7 * 100);
  CHECK(block.cost(7, 100).state_bytes == 7 + 100);
}

TEST_CASE("Block: only cross-attention attends to the context") {
  Params<double> params;
  const LayerSpec<double> spec{
      .dim = 6, .context_dim = 6, .heads = 3, .length = 5, .causality = {.causal = false}};
  const auto attend = [&] { return make_mixer_layer(NaiveMixer<double>(), spec, params); };
  Block<double> block(6, {.kind = NormKind::layer},
                      {{"attention", attend}, {"cross_attention", attend, Context::encoder}}, params);
  params.freeze();
  params.initialize(1);
  disturb(params, 0.4);
  Matrix<double> x = normal_matrix<double>(2 * 3, 6, 1, "x"),
                 context = normal_matrix<double>(2 * 5, 6, 1, "c");
  const Matrix<double> dy = normal_matrix<double>(2 * 3, 6, 1, "dy");
  Matrix<double> y(2 * 3, 6), d = dy, dcontext = Matrix<double>::Zero(2 * 5, 6);
  Step<double> step;
  const auto forward = [&] {
    step.rewind();
    block.forward(step, Seq<const double>{x.data(), 2, 3, 6}, {.encoder = {context.data(), 2, 5, 6}},
                  {y.data(), 2, 3, 6});
    return y.cwiseProduct(dy).sum();
  };
  forward();
  block.backward(step, {d.data(), 2, 3, 6}, {.encoder = {dcontext.data(), 2, 5, 6}});
  std::vector<GradientTensor> tensors = parameter_tensors(params);
  tensors.push_back({"x", x.data(), d.data(), x.rows(), x.cols()});
  tensors.push_back({"context", context.data(), dcontext.data(), context.rows(), context.cols()});
  CHECK(compare_gradients(tensors, forward).fault == "");
}

}  // namespace heed
