#include <algorithm>
#include <string>
#include <vector>

#include "core/model/components.h"
#include "core/model/model.h"
#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"

namespace heed {
namespace {

TaskShape pairs() {
  TaskShape shape = token_shape(7, 5, ModelType::encoder_decoder);
  shape.source = {Stream::Kind::tokens, 9, 4};
  return shape;
}

ModelSpec pair_spec(const std::string& decoder, const std::string& encoder, const std::string& cross) {
  ModelSpec spec = tiny_spec({{decoder}});
  spec.shape = pairs();
  spec.encoder_layers = 1;
  spec.encoder_attention = {{encoder}};
  spec.cross_attention = {{cross}};
  spec.options.head_bias = true;
  return spec;
}

// Every parameter against central differences of the loss, on a batch with padding and an empty source; empty
// where they agree.
std::string gradient_fault(const ModelSpec& spec, const Registry& registry = tiny_registry()) {
  TinyModel<double> tiny(spec, 0.4, registry);
  PaddedBatch data(spec.shape, random_examples(spec.shape, {5, 2, 3}, {3, 4, 0}), 5, 4);
  Step<double> step, evaluation(1, false);
  tiny.learn(step, data.all(), 2);
  const GradientReport report = compare_gradients(parameter_tensors(tiny.params), [&] {
    return tiny.model.evaluate(evaluation, data.all()).mean_loss();
  });
  CHECK(report.coordinates == count(tiny.params));
  return report.fault;
}

// Doubles the gradient of the keys in one head.
template <class S>
struct WrongKeys : NaiveMixer<S> {
  void backward(const Head<S>& in, const typename NaiveMixer<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    NaiveMixer<S>::backward(in, saved, d_o, grad, memory);
    if (in.index == 1) grad.k *= 2;
  }
};

}  // namespace

TEST_CASE("encoder-decoder: the gradient of every parameter agrees with differences") {
  struct Variants {
    std::string decoder, encoder, cross;
  };
  const Variants v = GENERATE(Variants{"naive", "naive", "naive"}, Variants{"softmax", "linear", "linear"},
                              Variants{"linear", "window", "softmax"},
                              Variants{"tokenformer", "differential", "tokenformer"});
  CAPTURE(v.decoder, v.encoder, v.cross);
  CHECK(gradient_fault(pair_spec(v.decoder, v.encoder, v.cross)) == "");
}

TEST_CASE("encoder-decoder: the gradients with other positions, tied or without a feed-forward, agree too") {
  const std::string positions = GENERATE("rope", "alibi", "none");
  ModelSpec spec = pair_spec("softmax", "softmax", "softmax");
  spec.positions = {positions};
  spec.options.tied = positions == "rope";
  if (positions == "none") spec.feed_forward = {"none"};
  CAPTURE(positions);
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE(
    "encoder-decoder: blocks take the variants of a place in turn, and the decoder's if there are none") {
  ModelSpec spec = pair_spec("softmax", "softmax", "softmax");
  spec.cross_attention = {{"linear"}, {"tokenformer"}};
  CHECK(gradient_fault(spec) == "");
  const auto names = [](const ModelSpec& of) {
    Params<float> params;
    Model<float>(of, tiny_registry(), params);
    std::vector<std::string> out;
    for (const ParamInfo& p : params.infos()) out.push_back(p.name);
    return out;
  };
  const auto has = [&](const ModelSpec& of, const std::string& name) {
    const std::vector<std::string> all = names(of);
    return std::ranges::find(all, name) != all.end();
  };
  CHECK(has(spec, "blocks.0.cross_attention.query.weight"));
  CHECK(has(spec, "blocks.1.cross_attention.query.key_tokens"));

  ModelSpec tokens = spec, same = spec;
  tokens.attention = tokens.encoder_attention = tokens.cross_attention = {{"tokenformer"}};
  same.attention = {{"tokenformer"}};
  same.encoder_attention = same.cross_attention = {};
  CHECK(names(same) == names(tokens));
}

TEST_CASE("encoder-decoder: the gradient check finds one wrong head of the cross-attention") {
  Registry registry = tiny_registry();
  registry.add_mixer<WrongKeys>("wrong", {"Deliberately wrong"});
  CHECK_THAT(gradient_fault(pair_spec("naive", "naive", "wrong"), registry), ContainsSubstring("ratio"));
}

TEST_CASE("encoder-decoder: the decoder sees all of its source and none of its future") {
  TinyModel<double> tiny(pair_spec("softmax", "softmax", "softmax"));
  std::vector<ExampleData> examples = random_examples(pairs(), {5}, {4});
  examples[0].labels = {0, 0, 0, 0, 0};
  Step<double> step(1, false);
  const auto logits = [&] {
    std::vector<double> out(5 * 7);
    PaddedBatch data(pairs(), examples, 5, 4);
    tiny.model.evaluate(step, data.all(), {}, out);
    return out;
  };
  const std::vector<double> before = logits();
  examples[0].tokens[3] = (examples[0].tokens[3] + 1) % 7;
  const std::vector<double> after = logits();
  CHECK(std::equal(before.begin(), before.begin() + 3 * 7, after.begin()));
  CHECK_FALSE(std::equal(before.begin() + 3 * 7, before.begin() + 4 * 7, after.begin() + 3 * 7));
  examples[0].source[3] = (examples[0].source[3] + 1) % 9;
  CHECK_FALSE(std::equal(after.begin(), after.begin() + 7, logits().begin()));
}

TEST_CASE("encoder-decoder: the parameters and operations are those of the formulas") {
  Params<float> params;
  const Model<float> model(pair_spec("softmax", "softmax", "softmax"), tiny_registry(), params);
  // Width 6, hidden width 24: an encoder block has 4dd + 2df + 9d + f numbers, a decoder block 8dd + 2df +
  // 15d + f.
  const Index encoder = 4 * 36 + 2 * 6 * 24 + 9 * 6 + 24, decoder = 8 * 36 + 2 * 6 * 24 + 15 * 6 + 24;
  const Index tables = 9 * 6 + 7 * 6, positions = 4 * 6 + 5 * 6, norms = 2 * 2 * 6, head = 6 * 7 + 7;
  CHECK(count(params) == encoder + 2 * decoder + tables + positions + norms + head);
  Index sum = 0;
  for (const ComponentCount& c : count_components(params)) sum += c.parameters;
  CHECK(sum == count(params));

  const double self = 4 * 2.0 * 36, mlp = 2 * 2.0 * 6 * 24;  // of a token
  const double source = 4 * (self + mlp) + 2.0 * 4 * 4 * 12;
  const double cross = 5 * 2 * 2.0 * 36 + 4 * 2 * 2.0 * 36 + 2.0 * 5 * 4 * 12;
  const double target = 2 * (5 * (self + mlp) + 2.0 * 15 * 12 + cross);
  CHECK(model.cost(5, 3, 4).flops == Approx(source + target + 3 * 2.0 * 6 * 7));
}

TEST_CASE("encoder-decoder: refuses a variant without cross-attention, or one that needs a causal mask") {
  Params<float> params, others;
  CHECK_THROWS_WITH(Model<float>(pair_spec("softmax", "softmax", "bigbird"), tiny_registry(), params),
                    ContainsSubstring("'bigbird'") && ContainsSubstring("cross-attention"));
  CHECK_THROWS_WITH(Model<float>(pair_spec("softmax", "strided", "softmax"), tiny_registry(), others),
                    ContainsSubstring("'strided'") && ContainsSubstring("causal mask"));
}

}  // namespace heed
