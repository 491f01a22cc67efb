// Models of vectors with one label per sequence, as for images.
#include <vector>

#include "core/model/model.h"
#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"

namespace heed {
namespace {

ModelSpec vector_spec(Pool pool, bool class_token) {
  ModelSpec spec = tiny_spec({{"softmax"}});
  spec.shape = {.input = {Stream::Kind::vectors, 3, 5},
                .classes = 4,
                .model = ModelType::encoder,
                .labels = Labels::per_sequence};
  spec.pool = pool;
  spec.class_token = class_token;
  spec.options.head_bias = true;
  return spec;
}

}  // namespace

TEST_CASE("vectors: the gradients of parameters and vectors agree with differences, for every pool") {
  const Pool pool = GENERATE(Pool::mean, Pool::first, Pool::last);
  const bool class_token = GENERATE(false, true);
  CAPTURE(static_cast<int>(pool), class_token);
  const ModelSpec spec = vector_spec(pool, class_token);
  TinyModel<double> tiny(spec);
  PaddedBatch data(spec.shape, random_examples(spec.shape, {5, 1, 3}), 5, 0);
  Step<double> step, evaluation(1, false);
  tiny.learn(step, data.all(), 2);
  std::vector<GradientTensor> tensors = parameter_tensors(tiny.params);
  tensors.push_back({"vectors", data.vectors().data(), data.gradients().data(), 15, 3});
  CHECK(compare_gradients(tensors, [&] {
          return tiny.model.evaluate(evaluation, data.all()).mean_loss();
        }).fault == "");
}

TEST_CASE("vectors: the gradients agree with differences, with positions in two dimensions") {
  ModelSpec spec = vector_spec(Pool::mean, false);
  spec.options.dim = 8, spec.options.heads = 2;
  spec.shape.input.length = 6;
  Config columns = Config::map();
  columns.set("columns", Config::integer(3));
  spec.positions = {GENERATE("rope_2d", "sinusoidal_2d"), columns};
  CAPTURE(spec.positions.name);
  TinyModel<double> tiny(spec);
  PaddedBatch data(spec.shape, random_examples(spec.shape, {6, 6, 4}), 6, 0);
  Step<double> step, evaluation(1, false);
  tiny.learn(step, data.all(), 2);
  std::vector<GradientTensor> tensors = parameter_tensors(tiny.params);
  tensors.push_back({"vectors", data.vectors().data(), data.gradients().data(), 18, 3});
  CHECK(compare_gradients(tensors, [&] {
          return tiny.model.evaluate(evaluation, data.all()).mean_loss();
        }).fault == "");
}

TEST_CASE("vectors: a sequence without rows is pooled to zeros, and scored by the bias of the head") {
  const ModelSpec spec = vector_spec(GENERATE(Pool::mean, Pool::first, Pool::last), false);
  TinyModel<double> tiny(spec);
  PaddedBatch data(spec.shape, random_examples(spec.shape, {0, 2}), 5, 0);
  std::vector<double> logits(2 * 4);
  Step<double> step, evaluation(1, false);
  tiny.model.evaluate(evaluation, data.all(), {}, logits);
  const Mat<double> bias = tiny.params.find("head.bias").value();
  CHECK(std::equal(bias.data(), bias.data() + 4, logits.begin()));
  CHECK(tiny.learn(step, data.all()).scored == 2);
  CHECK(std::ranges::all_of(tiny.params.grads(), [](double g) { return std::isfinite(g); }));
}

TEST_CASE(
    "vectors: the mean of the rows does not depend on their order without positions; the last row does") {
  ModelSpec spec = vector_spec(Pool::mean, false);
  spec.positions = {"none"};
  const auto logits = [&](Pool pool, bool swapped) {
    spec.pool = pool;
    TinyModel<double> tiny(spec);
    std::vector<ExampleData> examples = random_examples(spec.shape, {5});
    if (swapped)
      std::rotate(examples[0].vectors.begin(), examples[0].vectors.begin() + 3, examples[0].vectors.end());
    PaddedBatch data(spec.shape, examples, 5, 0);
    Matrix<double> out(1, 4);
    Step<double> step(1, false);
    tiny.model.evaluate(step, data.all(), {}, {out.data(), 4});
    return out;
  };
  CHECK(logits(Pool::mean, true).isApprox(logits(Pool::mean, false), 1e-12));
  CHECK_FALSE(logits(Pool::last, true).isApprox(logits(Pool::last, false), 1e-3));
}

TEST_CASE("vectors: a class token is another row with a position, and its sequences have one label each") {
  Params<double> params;
  const Model<double> model(vector_spec(Pool::first, true), tiny_registry(), params);
  CHECK(params.find("class_token").cols() == 6);
  CHECK(params.find("positions.table").rows() == 6);
  CHECK(params.find("embedding.weight").rows() == 3);
  // A linear map of five vectors; then six rows.
  Params<double> without;
  const Model<double> plain(vector_spec(Pool::first, false), tiny_registry(), without);
  CHECK(model.cost(5, 1).flops > plain.cost(5, 1).flops);
  CHECK(plain.cost(5, 1).flops - plain.cost(5, 0).flops == 2.0 * 6 * 4);

  ModelSpec wrong = tiny_spec();
  wrong.class_token = true;
  Params<double> others;
  CHECK_THROWS_WITH(Model<double>(wrong, tiny_registry(), others),
                    ContainsSubstring("one label per sequence"));
}

}  // namespace heed
