#include "core/model/decoder.h"

#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"

namespace heed {
namespace {

constexpr Index kBatch = 2, kTime = 11, kClasses = 7;

// The largest difference between the logits of one pass and those computed token by token.
double difference(const ModelSpec& spec) {
  TinyModel<double> tiny(spec);
  TinyData data(kBatch, kTime, kClasses);
  data.labels = data.tokens;  // every position is scored
  Step<double> step(1, false);
  Matrix<double> wanted(kBatch * kTime, kClasses);
  tiny.model.evaluate(step, data.all(), {},
                      std::span(wanted.data(), static_cast<std::size_t>(wanted.size())));

  Decoder<double> decoder(tiny.model, kBatch, kTime);
  double worst = 0;
  for (Index t = 0; t < kTime; ++t) {
    std::vector<Token> tokens;
    for (Index b = 0; b < kBatch; ++b) tokens.push_back(data.tokens[static_cast<std::size_t>(b * kTime + t)]);
    const Mat<double> logits = decoder.next(step, tokens);
    for (Index b = 0; b < kBatch; ++b)
      worst = std::max(worst, (logits.row(b) - wanted.row(b * kTime + t)).cwiseAbs().maxCoeff());
    step.rewind();
  }
  return worst;
}

ModelSpec spec_of(std::vector<Choice> attention) {
  ModelSpec spec = tiny_spec(std::move(attention));
  spec.shape = token_shape(kClasses, kTime);
  return spec;
}

}  // namespace

TEST_CASE("Decoder: logits are those of one pass over all tokens, with every position") {
  for (const char* positions : {"none", "learned", "sinusoidal", "rope", "alibi"}) {
    ModelSpec spec = spec_of({{"softmax"}});
    spec.positions = {positions};
    CAPTURE(positions);
    CHECK(difference(spec) < 1e-12);
  }
}

TEST_CASE("Decoder: logits are those of one pass with positions in two dimensions") {
  ModelSpec spec = spec_of({{"softmax"}});
  spec.options.dim = 12;
  spec.shape.input.length = 12;
  Config columns = Config::map();
  columns.set("columns", Config::integer(4));
  for (const char* positions : {"rope_2d", "sinusoidal_2d"}) {
    spec.positions = {positions, columns};
    CAPTURE(positions);
    CHECK(difference(spec) < 1e-12);
  }
}

TEST_CASE("Decoder: logits are those of one pass in hybrid stacks and with every kind of block") {
  Config narrow = Config::map();
  narrow.set("size", Config::integer(3));
  ModelSpec spec = spec_of({{"linear"}, {"window", narrow}, {"tokenformer"}, {"forgetting"}, {"lstm"}});
  spec.options.layers = 5;
  for (const char* feed_forward : {"mlp", "swiglu", "pattention", "none"}) {
    spec.feed_forward = {feed_forward};
    spec.options.norm = spec.options.tied ? "layer" : "rms";
    spec.options.tied = !spec.options.tied;
    CAPTURE(feed_forward);
    CHECK(difference(spec) < 1e-12);
  }
}

TEST_CASE("Decoder: layers that read the embeddings get those of the token") {
  Config options = Config::map();
  options.set("chunk", Config::integer(3));
  ModelSpec spec = spec_of({{"softmax"}});
  spec.feed_forward = {"in_place_ttt", options};
  CHECK(difference(spec) < 1e-12);
}

TEST_CASE("Decoder: models that see the future or have an encoder are refused") {
  ModelSpec spec = spec_of({{"softmax"}});
  spec.shape.model = ModelType::encoder;
  TinyModel<double> encoder(spec);
  CHECK_THROWS_WITH(Decoder<double>(encoder.model, 1, 4), ContainsSubstring("causal"));
}

}  // namespace heed
