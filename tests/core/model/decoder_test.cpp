#include "core/model/decoder.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/register.h"
#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"
#include "tests/heap.h"

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

  Decoder<double> decoder(tiny.model, step, kBatch, kTime);
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

// An encoder-decoder with this cross-attention, and linear attention in its decoder.
ModelSpec pair_spec(const std::string& cross, const Config& options = {}) {
  ModelSpec spec = tiny_spec({{"linear"}});
  spec.shape = token_shape(kClasses, kTime, ModelType::encoder_decoder);
  spec.shape.source = {Stream::Kind::tokens, 9, 8};
  spec.options.dim = 12, spec.options.heads = 2;
  spec.encoder_attention = {{"softmax"}};
  spec.cross_attention = {{cross, options}};
  return spec;
}

// The same for an encoder-decoder, with sources of different lengths, one of them empty.
double difference_of_pairs(const ModelSpec& spec, const Registry& registry = tiny_registry()) {
  constexpr Index kSourceTime = 8;
  TinyModel<double> tiny(spec, 0.4, registry);
  std::vector<ExampleData> examples =
      random_examples(spec.shape, {kTime, kTime, kTime, kTime}, {5, 0, kSourceTime, 5});
  for (ExampleData& e : examples) e.labels = e.tokens;  // every position is scored
  // Padding is not read: its token is the largest one.
  PaddedBatch data(spec.shape, examples, kTime, kSourceTime, kClasses - 1);
  const Batch all = data.all();
  Step<double> step(1, false);
  Matrix<double> wanted(all.batch * kTime, kClasses);
  tiny.model.evaluate(step, all, {}, std::span(wanted.data(), static_cast<std::size_t>(wanted.size())));

  Decoder<double> decoder(tiny.model, step, all.batch, kTime, all.source);
  double worst = 0;
  for (Index t = 0; t < kTime; ++t) {
    std::vector<Token> tokens;
    for (const ExampleData& e : examples) tokens.push_back(e.tokens[static_cast<std::size_t>(t)]);
    const Mat<double> logits = decoder.next(step, tokens);
    for (Index b = 0; b < all.batch; ++b)
      worst = std::max(worst, (logits.row(b) - wanted.row(b * kTime + t)).cwiseAbs().maxCoeff());
    step.rewind();
  }
  return worst;
}

// Adds the mean of the context to each row, in a layer without a decoder of its own.
template <class S>
class AddsTheMean final : public Layer<S> {
 public:
  using Options = NoOptions;
  AddsTheMean(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S> context, Seq<S> y) override {
    for (Index b = 0; b < x.batch; ++b) {
      y.at(b) = x.at(b);
      if (context.length(b) > 0) y.at(b).rowwise() += context.at(b).colwise().mean();
    }
  }
  void backward(Step<S>&, Seq<const S>, Seq<S>, Seq<S>) override {}
  Cost cost(Index, Index) const override { return {}; }
};

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

TEST_CASE("Decoder: an encoder-decoder with any cross-attention has the logits of one pass") {
  const Registry registry = tiny_registry();
  int variants = 0;
  for (const VariantInfo& variant : registry.variants()) {
    Problems problems;
    const Traits traits = variant.traits(variant.resolve({}, variant.name, problems));
    if (!traits.cross || !traits.bidirectional || traits.is_feed_forward()) continue;
    CAPTURE(variant.name);
    CHECK(difference_of_pairs(pair_spec(variant.name), registry) < 1e-10);
    ++variants;
  }
  CHECK(variants >= 9);
}

TEST_CASE("Decoder: cross-attention that looks at positions, or has inputs, has the logits of one pass") {
  const auto with = [](std::initializer_list<std::pair<const char*, Config>> entries) {
    Config c = Config::map();
    for (const auto& [name, value] : entries) c.set(name, value);
    return c;
  };
  const std::vector<Choice> choices = {
      {"window", with({{"size", Config::integer(2)}})},
      {"pattern",
       with({{"visible", Config::scalar("(i + j) % 3 != h")}, {"bias", Config::scalar("i * j / n")}})},
      {"linear",
       with({{"feature_map", Config::scalar("cosformer")}, {"cosformer_length", Config::integer(20)}})},
      {"topk", with({{"k", Config::integer(2)}})},
      {"softmax", with({{"gate", Config::scalar("elementwise")},
                        {"key_heads", Config::integer(1)},
                        {"qk_norm", Config::scalar("rms")},
                        {"sink", Config::scalar("learned")}})}};
  for (const Choice& choice : choices) {
    CAPTURE(choice.name);
    CHECK(difference_of_pairs(pair_spec(choice.name, choice.options)) < 1e-10);
  }
}

TEST_CASE("Decoder: a cross-attention layer without a decoder of its own repeats its forward pass") {
  Registry registry = tiny_registry();
  registry.add_layer<AddsTheMean>("adds_the_mean", {"Without a decoder of its own"});
  CHECK(difference_of_pairs(pair_spec("adds_the_mean"), registry) < 1e-12);
}

TEST_CASE("Decoder: one more token of an encoder-decoder takes nothing from the heap") {
  for (const char* cross : {"softmax", "linear", "differential"}) {
    CAPTURE(cross);
    TinyModel<double> tiny(pair_spec(cross));
    const std::vector<Token> source(8, 1), tokens(1, 2);
    Step<double> step(1, false);
    Decoder<double> decoder(tiny.model, step, 1, kTime, {.time = 8, .tokens = source});
    std::size_t last = 0;
    for (int t = 0; t < 4; ++t) {
      const std::size_t before = test::heap_allocations();
      decoder.next(step, tokens);
      step.rewind();
      last = test::heap_allocations() - before;
    }
    CHECK(last == 0);
  }
}

TEST_CASE("Decoder: models that see the future are refused, and sources where none or one is needed") {
  Step<double> step(1, false);
  ModelSpec spec = spec_of({{"softmax"}});
  spec.shape.model = ModelType::encoder;
  TinyModel<double> encoder(spec);
  CHECK_THROWS_WITH(Decoder<double>(encoder.model, step, 1, 4), ContainsSubstring("causal"));

  TinyModel<double> decoder(spec_of({{"softmax"}})), pairs(pair_spec("softmax"));
  const std::vector<Token> tokens(4, 0);
  CHECK_THROWS_WITH(Decoder<double>(pairs.model, step, 1, 4), ContainsSubstring("of a source"));
  CHECK_THROWS_WITH(Decoder<double>(decoder.model, step, 1, 4, {.time = 4, .tokens = tokens}),
                    ContainsSubstring("no source"));
}

}  // namespace heed
