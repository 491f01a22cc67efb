// Dropout of embeddings, layer outputs and attention weights in a whole model.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/difference.h"

namespace heed {
namespace {

constexpr DropoutStep kDropout{.p = 0.3, .seed = 5, .training_step = 2};

template <class S>
struct Dropped {
  explicit Dropped(const ModelSpec& spec, int threads = 1, const DropoutStep& dropout = kDropout)
      : tiny(spec, 0.4), step(threads), data(4, spec.shape.input.length, spec.shape.classes) {
    step.dropout = dropout;
  }
  double loss(Index micro_batch = 0) { return tiny.learn(step, data.all(), micro_batch).mean_loss(); }
  std::vector<S> gradient(Index micro_batch = 0) {
    loss(micro_batch);
    return {tiny.params.grads().begin(), tiny.params.grads().end()};
  }

  TinyModel<S> tiny;
  Step<S> step;
  TinyData data;
};

// Returns the largest difference between the gradient and central differences of the loss. The passes for
// the differences have the dropout of step `other`. stride: 1 checks every number.
double gradient_error(const std::string& variant, std::uint64_t other, Index stride) {
  Dropped<double> d(tiny_spec({{variant}}));
  const std::vector<double> gradient = d.gradient();
  const std::span<double> values = d.tiny.params.values();
  d.step.dropout.training_step = other;
  double worst = 0;
  for (const ParamInfo& p : d.tiny.params.infos()) {
    if (p.role == Role::fixed) continue;
    for (Index i = p.offset; i < p.offset + p.rows * p.cols; i += stride) {
      const auto at = static_cast<std::size_t>(i);
      constexpr double h = 1e-5;
      const double value = values[at];
      values[at] = value + h;
      const double above = d.loss();
      values[at] = value - h;
      const double below = d.loss();
      values[at] = value;
      worst = std::max(worst, std::abs((above - below) / (2 * h) - gradient[at]));
    }
  }
  return worst;
}

ModelSpec with_tile(Index tile, const char* variant = "softmax") {
  Config options = Config::map();
  options.set("tile", Config::integer(tile));
  ModelSpec spec = tiny_spec({{variant, options}});
  spec.shape.input.length = 21;
  return spec;
}

}  // namespace

TEST_CASE("Dropout: with the draws of the step, the gradient is that of the loss") {
  CHECK(gradient_error("softmax", kDropout.training_step, 1) < 1e-8);
  for (const char* variant : {"window", "differential", "differential_v2", "forgetting", "linear", "memory",
                              "moba", "nsa", "pattern", "stick_breaking", "tokenformer"}) {
    CAPTURE(variant);
    CHECK(gradient_error(variant, kDropout.training_step, 3) < 1e-8);  // enough of each parameter
  }
}

TEST_CASE("Dropout: with draws of another step it is not") {
  CHECK(gradient_error("softmax", kDropout.training_step + 1, 1) > 1e-3);
}

TEST_CASE("Dropout: attention weights are dropped by the mixers that have them in a kernel") {
  // The naive mixer computes the same as softmax and drops no weights.
  const auto loss = [](const char* variant, const DropoutStep& dropout) {
    return Dropped<double>(tiny_spec({{variant}}), 1, dropout).loss();
  };
  CHECK(loss("softmax", {}) == Approx(loss("naive", {})).epsilon(1e-12));
  CHECK(std::abs(loss("softmax", kDropout) - loss("naive", kDropout)) > 1e-4);
}

TEST_CASE("Dropout: the same bits for any number of threads") {
  ModelSpec spec = tiny_spec({{"softmax"}, {"window"}, {"differential"}});
  spec.options = {.layers = 3, .heads = 2, .dim = 16};
  spec.shape = token_shape(300, 100);
  const std::vector<float> one = Dropped<float>(spec, 1).gradient(2);
  for (const int threads : {2, 4}) CHECK(Dropped<float>(spec, threads).gradient(2) == one);
}

TEST_CASE("Dropout: tiles and micro-batches draw the elements of the whole") {
  for (const char* variant : {"softmax", "differential", "window"}) {
    CAPTURE(variant);
    const std::vector<double> whole = Dropped<double>(with_tile(64, variant)).gradient();
    for (const Index tile : {1, 3, 8, 16})
      CHECK(largest_difference(Dropped<double>(with_tile(tile, variant)).gradient(), whole) < 1e-12);
    for (const Index micro_batch : {1, 3})
      CHECK(largest_difference(Dropped<double>(with_tile(64, variant)).gradient(micro_batch), whole) < 1e-12);
  }
}

TEST_CASE("Dropout: each step draws others, and an evaluation none") {
  const ModelSpec spec = tiny_spec({{"softmax"}});
  DropoutStep later = kDropout;
  ++later.training_step;
  Dropped<double> now(spec), next(spec, 1, later), none(spec, 1, {});
  CHECK(now.loss() == now.loss());
  CHECK(std::abs(now.loss() - next.loss()) > 1e-4);
  Step<double> evaluation(1, false);
  CHECK(now.tiny.model.evaluate(evaluation, now.data.all()).mean_loss() ==
        Approx(none.loss()).epsilon(1e-14));
}

}  // namespace heed
