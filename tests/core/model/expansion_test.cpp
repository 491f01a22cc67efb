// Models that predict all labels from the output at their last position.
#include "core/model/expansion.h"

#include <cmath>
#include <span>
#include <vector>

#include "core/model/components.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"

namespace heed {
namespace {

ModelSpec expanding_spec(const std::string& attention = "naive") {
  ModelSpec spec = tiny_spec({{attention}});
  spec.expand = true;
  return spec;
}

// Every parameter against central differences of the loss, on sequences of different lengths; empty if they
// agree.
std::string gradient_fault(const ModelSpec& spec) {
  TinyModel<double> tiny(spec);
  PaddedBatch data(spec.shape, random_examples(spec.shape, {5, 2, 4}), 5, 0);
  Step<double> step, evaluation(1, false);
  tiny.learn(step, data.all(), 2);
  const GradientReport report = compare_gradients(parameter_tensors(tiny.params), [&] {
    return tiny.model.evaluate(evaluation, data.all()).mean_loss();
  });
  CHECK(report.coordinates == count(tiny.params));
  return report.fault;
}

double gelu(double x) { return x * (1 + std::erf(x / std::sqrt(2.0))) / 2; }

}  // namespace

TEST_CASE("expansion: y = W2 gelu(W1 (h + s_p) + b1) + b2, written out") {
  constexpr Index kDim = 4, kRows = 3;
  Params<double> params;
  Expansion<double> expansion(kDim, 10, true, params);
  params.freeze();
  params.initialize(1);
  disturb(params, 0.5);
  Step<double> step;
  const Seq<double> h = step.memory().keep(1, kRows, kDim);
  for (Index i = 0; i < kRows * kDim; ++i) h.data[i] = 0.3 * static_cast<double>(i) - 1;
  const std::vector<Index> positions = {0, 9, 2};
  const Seq<double> y = expansion.forward(step, h, positions);

  const auto of = [&](const char* name, Index row, Index col) { return params.find(name).value()(row, col); };
  for (Index r = 0; r < kRows; ++r)
    for (Index out = 0; out < kDim; ++out) {
      double expected = of("expand.down.bias", 0, out);
      for (Index j = 0; j < kDim; ++j) {
        double a = of("expand.up.bias", 0, j);
        for (Index i = 0; i < kDim; ++i) {
          const double angle =
              static_cast<double>(positions[static_cast<std::size_t>(r)]) * (i < 2 ? 1 : 0.01);
          const double s = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
          a += (h.rows()(r, i) + s) * of("expand.up.weight", i, j);
        }
        expected += gelu(a) * of("expand.down.weight", j, out);
      }
      CHECK(y.rows()(r, out) == Approx(expected).epsilon(1e-12));
    }
}

TEST_CASE("expansion: the gradient of every parameter of a model agrees with differences") {
  for (const char* attention : {"naive", "softmax", "linear"}) {
    CAPTURE(attention);
    CHECK(gradient_fault(expanding_spec(attention)) == "");
  }
  ModelSpec spec = expanding_spec();
  spec.shape.model = ModelType::encoder;
  spec.options.bias = false;
  spec.options.tied = true;
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE("expansion: padding changes no bit of the loss") {
  const ModelSpec spec = expanding_spec("softmax");
  TinyModel<double> tiny(spec);
  Step<double> step(1, false);
  const auto examples = random_examples(spec.shape, {3, 2});
  PaddedBatch tight(spec.shape, examples, 3, 0), wide(spec.shape, examples, 5, 0, 6);
  CHECK(tiny.model.evaluate(step, tight.all()).loss == tiny.model.evaluate(step, wide.all()).loss);
}

TEST_CASE("expansion: the cost has two more products for each label") {
  Params<double> params, plain_params;
  const Model<double> expanding(expanding_spec(), tiny_registry(), params);
  const Model<double> plain(tiny_spec(), tiny_registry(), plain_params);
  CHECK(expanding.cost(5, 4).flops - plain.cost(5, 4).flops == 2 * 2.0 * 4 * 6 * 6);
}

TEST_CASE("expansion: such a model does not decode token by token") {
  TinyModel<double> tiny(expanding_spec());
  Step<double> step(1, false);
  CHECK_THROWS_WITH(Decoder<double>(tiny.model, step, 1, 5), ContainsSubstring("from its last position"));
}

}  // namespace heed
