#include "core/model/block.h"

#include <cmath>

#include "core/ops/linear.h"
#include "tests/catch.h"
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

using MakeSlot = Block<double>::MakeSlot;

MakeSlot scale(double factor) {
  return [=] { return std::make_unique<Scale<double>>(factor); };
}

// dim 2, no gains, eps 0: layer norm makes (-1, 1) or (1, -1) of every row.
OpBench<Block<double>, double> plain_block(const NormSpec& norm, const MakeSlot& attention,
                                           const MakeSlot& feed_forward) {
  return {{1, 2, 2, 2},
          [&](Params<double>& p) { return Block<double>(2, norm, attention, feed_forward, p); }};
}

const NormSpec kLayer{.kind = NormKind::layer, .eps = 0, .gain = false};
const NormSpec kRms{.kind = NormKind::rms, .eps = 0, .gain = false};

}  // namespace

TEST_CASE("a block of two rows, by hand") {
  auto b = plain_block(kLayer, scale(2), scale(10));
  b.x = matrix<double>({{1, 3}, {4, 0}});
  b.dy = matrix<double>({{1, 2}, {3, 4}});
  b.run();
  // h = x + 2 (-1, 1) = (-1, 5);   y = h + 10 (-1, 1)
  CHECK(b.y == matrix<double>({{-11, 15}, {16, -12}}));
  CHECK(b.dx.isApprox(b.dy, 1e-14));  // a norm of two numbers has no slope: what is left is the residual
}

TEST_CASE("a block without a feed-forward is its attention half") {
  auto b = plain_block(kRms, scale(5), {});
  b.x = matrix<double>({{1, 7}, {-5, 5}});
  b.dy = matrix<double>({{1, 0}, {1, 2}});
  b.run();
  // h = x + 5 x / 5;   dx = dy + 5 (dy - z mean(dy z)) / 5
  CHECK(b.y.isApprox(matrix<double>({{2, 14}, {-10, 10}}), 1e-14));
  CHECK(b.dx.isApprox(matrix<double>({{1.98, -0.14}, {2.5, 3.5}}), 1e-13));
}

TEST_CASE("the gradients of a block agree with differences") {
  for (const NormKind kind : {NormKind::layer, NormKind::rms})
    for (const bool with_feed_forward : {true, false}) {
      CAPTURE(static_cast<int>(kind), with_feed_forward);
      OpBench<Block<double>, double> b({3, 5, 6, 6}, [&](Params<double>& p) {
        const LayerSpec<double> spec{.dim = 6, .context_dim = 6, .heads = 3, .length = 5};
        return Block<double>(
            6, {.kind = kind}, [&] { return make_mixer_layer(NaiveMixer<double>(), spec, p); },
            with_feed_forward ? MakeSlot([&] { return std::make_unique<Map>(6, p); }) : MakeSlot(), p);
      });
      CHECK(b.gradient_fault() == "");
    }
}

TEST_CASE("a block adds to the gradient that is there") {
  auto b = plain_block(kRms, scale(3), scale(2));
  b.run();
  const Matrix<double> once = b.dx;
  b.backward();
  CHECK(b.dx.isApprox(2 * once, 1e-14));
}

TEST_CASE("huge rows go through a block unharmed") {
  auto b = plain_block({.kind = NormKind::layer, .gain = false}, scale(1), scale(1));
  b.x *= 1e150;
  b.run();
  CHECK(b.y.isApprox(b.x, 1e-14));  // what the branches add is of size one
  CHECK(b.dx.allFinite());
}

TEST_CASE("a block names its parameters by its slots") {
  Params<double> params;
  const Block<double> block(
      6, {.kind = NormKind::layer}, [&] { return std::make_unique<Map>(6, params); },
      [&] { return std::make_unique<Map>(6, params); }, params);
  std::string names;
  for (const ParamInfo& p : params.infos()) names += p.name + ' ';
  CHECK(names ==
        "norm1.gain norm1.bias attention.map.weight attention.map.bias "
        "norm2.gain norm2.bias feed_forward.map.weight feed_forward.map.bias ");
}

TEST_CASE("a block costs what its layers cost; the state is the attention's") {
  Params<double> params;
  const Block<double> block(2, kLayer, scale(1), scale(1), params);
  CHECK(block.cost(7).flops == 20);
  CHECK(block.cost(7).state_bytes == 4);
}

}  // namespace heed
