#include "core/model/model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/model/clipping.h"
#include "core/model/components.h"
#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/core/optimizer_named.h"
#include "tests/difference.h"

namespace heed {
namespace {

// Sums of some thousand terms of size one, in another order.
constexpr double kRounding = 1e-12;

// Every parameter of a model against central differences of its loss; empty where they agree.
std::string gradient_fault(const ModelSpec& spec, const Registry& registry = tiny_registry()) {
  TinyModel<double> tiny(spec, 0.4, registry);
  const TinyData data(2, 5, spec.shape.classes);
  Step<double> step, evaluation(1, false);
  tiny.learn(step, data.all(), 1);
  const GradientReport report = compare_gradients(parameter_tensors(tiny.params), [&] {
    return tiny.model.evaluate(evaluation, data.all()).mean_loss();
  });
  CHECK(report.coordinates == count(tiny.params));
  return report.fault;
}

// Doubles the gradient of the values in one head.
template <class S>
struct WrongMixer : NaiveMixer<S> {
  void backward(const Head<S>& in, const typename NaiveMixer<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    NaiveMixer<S>::backward(in, saved, d_o, grad, memory);
    if (in.index == 1) grad.v *= 2;
  }
};

// Has a parameter and wishes of its own for the block.
template <class S>
class Demanding final : public Layer<S> {
 public:
  using Options = NoOptions;
  Demanding(const Options&, const LayerSpec<S>&, Params<S>& params)
      : mark_(params.declare("mark", 1, 1, Init::ones(), Role::undecayed)) {}
  static BlockStyle block_style(const Options&) { return {.feed_forward = "none", .norm_gain = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = x.rows(); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override { dx.rows() += dy.rows(); }
  Cost cost(Index, Index) const override { return {}; }

 private:
  Param<S> mark_;
};

std::vector<std::string> names_in(const Params<float>& params, const std::string& prefix) {
  std::vector<std::string> out;
  for (const ParamInfo& p : params.infos())
    if (p.name.starts_with(prefix)) out.push_back(p.name.substr(prefix.size()));
  return out;
}

}  // namespace

TEST_CASE("model: the gradient of every parameter agrees with differences") {
  struct Slots {
    std::string positions, feed_forward;
  };
  const Slots slots = GENERATE(Slots{"none", "none"}, Slots{"learned", "mlp"}, Slots{"rope", "swiglu"},
                               Slots{"alibi", "mlp"}, Slots{"sinusoidal", "none"});
  // Each pair of choices comes up once.
  const bool rms = GENERATE(false, true), tied = rms == (slots.feed_forward == "mlp");
  const std::string norm = rms ? "rms" : "layer";
  CAPTURE(slots.positions, slots.feed_forward, norm, tied);
  ModelSpec spec = tiny_spec();
  spec.positions = {slots.positions};
  spec.feed_forward = {slots.feed_forward};
  spec.options.norm = norm;
  spec.options.tied = tied;
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE("model: layers that read the embeddings add to their gradient") {
  Config options = Config::map();
  options.set("width", Config::integer(5));
  options.set("chunk", Config::integer(2));
  ModelSpec spec = tiny_spec();
  spec.feed_forward = {"in_place_ttt", options};
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE(
    "model: the gradients of a model without biases, and of one that sees the future, agree with "
    "differences") {
  ModelSpec spec = tiny_spec();
  spec.options.bias = false;
  CHECK(gradient_fault(spec) == "");
  spec = tiny_spec();
  spec.shape.model = ModelType::encoder;
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE("model: an encoder refuses a variant that needs a causal mask") {
  ModelSpec spec = tiny_spec({{"strided"}});
  spec.shape.model = ModelType::encoder;
  Params<float> params;
  CHECK_THROWS_WITH(Model<float>(spec, tiny_registry(), params),
                    ContainsSubstring("'strided'") && ContainsSubstring("causal mask"));
}

TEST_CASE("model: the gradients of a hybrid stack agree with differences") {
  ModelSpec spec = tiny_spec({{"linear"}, {"softmax"}, {"tokenformer"}});
  spec.options.layers = 3;
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE("model: the gradient check finds one wrong head") {
  Registry registry = tiny_registry();
  registry.add_mixer<WrongMixer>("wrong", {"Deliberately wrong"});
  CHECK_THAT(gradient_fault(tiny_spec({{"naive"}, {"wrong"}}), registry),
             ContainsSubstring("attention.value.") && ContainsSubstring("ratio"));
}

TEST_CASE("model: gradients do not depend on the size of a micro-batch") {
  const TinyData data(7, 5, 7);
  TinyModel<double> tiny(tiny_spec());
  Step<double> step;
  const Score whole = tiny.learn(step, data.all(), 7);
  const std::vector<double> expected(tiny.params.grads().begin(), tiny.params.grads().end());
  for (const Index micro : {1, 2, 3, 5, 100, 0}) {
    CAPTURE(micro);
    const Score parts = tiny.learn(step, data.all(), micro);
    CHECK(largest_difference(tiny.params.grads(), expected) < kRounding);
    CHECK(parts.loss == Approx(whole.loss).epsilon(kRounding));
    CHECK(parts.scored == whole.scored);
    CHECK(parts.correct == whole.correct);
  }
}

TEST_CASE("model: three training steps have the same bits for 1, 2 and 5 threads") {
  // Each loop over threads has several tasks: rows 2 x 100, vocabulary above 256, parameters above 4,096.
  ModelSpec spec = tiny_spec({{"naive"}, {"softmax"}, {"linear"}});
  spec.options = {.layers = 3, .heads = 2, .dim = 16, .tied = GENERATE(false, true)};
  spec.shape = token_shape(300, 100);
  const TinyData data(4, 100, 300);
  const auto trained = [&](int threads) {
    TinyModel<float> tiny(spec, 0.02);
    Step<float> step(threads);
    const auto optimizer = test::optimizer_named("adamw", tiny.params);
    for (int s = 0; s < 3; ++s) {
      tiny.learn(step, data.all(), 2);
      clip_gradients(tiny.params, gradient_norm(step, tiny.params), 0.5);
      optimizer->update(step, 1e-2);
    }
    return std::vector<float>(tiny.params.values().begin(), tiny.params.values().end());
  };
  const std::vector<float> one = trained(1);
  CHECK(trained(2) == one);
  CHECK(trained(5) == one);
}

TEST_CASE("model: logits at scored positions are those of all positions") {
  const TinyData data(3, 5, 7);
  TinyModel<double> tiny(tiny_spec());
  Step<double> step(1, false);
  const std::vector<Token> everywhere(data.labels.size(), 0);
  std::vector<double> all(everywhere.size() * 7), some(static_cast<std::size_t>(data.all().scored()) * 7);
  std::vector<Token> predicted(static_cast<std::size_t>(data.all().scored()));
  tiny.model.evaluate(step, token_batch(data.tokens, everywhere, 3, 5), {}, all);
  tiny.model.evaluate(step, data.all(), predicted, some);
  std::size_t at = 0;
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    if (data.labels[i] == kUnscored) continue;
    const std::span row = std::span(all).subspan(7 * i, 7);
    CHECK(largest_difference(row, std::span(some).subspan(7 * at, 7)) < kRounding);
    CHECK(std::ranges::max_element(row) - row.begin() == predicted[at]);
    ++at;
  }
  CHECK(at == predicted.size());
}

TEST_CASE("model: training and evaluation give the same loss, and evaluation does not change gradients") {
  const TinyData data(3, 5, 7);
  TinyModel<double> tiny(tiny_spec());
  Step<double> step, evaluation(1, false);
  const Score learnt = tiny.learn(step, data.all());
  const std::vector<double> before(tiny.params.grads().begin(), tiny.params.grads().end());
  const Score seen = tiny.model.evaluate(evaluation, data.all());
  CHECK(seen.loss == Approx(learnt.loss).epsilon(kRounding));
  CHECK(seen.correct == learnt.correct);
  CHECK(std::ranges::equal(tiny.params.grads(), before));
}

TEST_CASE("model: a batch without scored positions gives no loss and no gradient") {
  TinyData data(3, 5, 7);
  std::ranges::fill(data.labels, kUnscored);
  TinyModel<float> tiny(tiny_spec());
  Step<float> step;
  const Score score = tiny.learn(step, data.all());
  CHECK(score.mean_loss() == 0);
  CHECK(score.scored == 0);
  CHECK(std::ranges::all_of(tiny.params.grads(), [](float g) { return g == 0; }));
}

TEST_CASE("model: gradients add up until they are zeroed") {
  const TinyData data(3, 5, 7);
  TinyModel<double> tiny(tiny_spec());
  Step<double> step;
  tiny.learn(step, data.all());
  std::vector<double> twice(tiny.params.grads().begin(), tiny.params.grads().end());
  for (double& g : twice) g *= 2;
  tiny.model.accumulate(step, data.all());
  CHECK(largest_difference(tiny.params.grads(), twice) < kRounding);
}

TEST_CASE("model: a causal model's logits do not change with the future") {
  TinyData data(1, 5, 7);
  std::ranges::fill(data.labels, 0);
  TinyModel<float> tiny(tiny_spec());
  Step<float> step(1, false);
  std::vector<float> before(5 * 7), after(5 * 7);
  tiny.model.evaluate(step, data.all(), {}, before);
  data.tokens[3] = (data.tokens[3] + 1) % 7;
  tiny.model.evaluate(step, data.all(), {}, after);
  CHECK(std::equal(before.begin(), before.begin() + 3 * 7, after.begin()));
  CHECK_FALSE(std::equal(before.begin() + 3 * 7, before.end(), after.begin() + 3 * 7));
}

TEST_CASE("model: blocks take the attention variants in turn") {
  Registry registry = tiny_registry();
  registry.add_layer<Demanding>("demanding", {"Wants things"});
  ModelSpec spec = tiny_spec({{"naive"}, {"demanding"}});
  spec.options.layers = 3;
  Params<float> params;
  const Model<float> model(spec, registry, params);
  CHECK(model.blocks() == 3);
  CHECK(names_in(params, "blocks.0.attention.").front() == "query.weight");
  CHECK(names_in(params, "blocks.1.attention.") == std::vector<std::string>{"mark"});
  CHECK(names_in(params, "blocks.2.attention.").front() == "query.weight");
}

TEST_CASE("model: a variant's block style overrides the model's choice in its block only") {
  Registry registry = tiny_registry();
  registry.add_layer<Demanding>("demanding", {"Wants things"});
  Params<float> params;
  const Model<float> model(tiny_spec({{"naive"}, {"demanding"}}), registry, params);
  CHECK(names_in(params, "blocks.0.norm1.") == std::vector<std::string>{"gain", "bias"});
  CHECK_FALSE(names_in(params, "blocks.0.feed_forward.").empty());
  CHECK(names_in(params, "blocks.1.") == std::vector<std::string>{"attention.mark"});
  CHECK(names_in(params, "norm.") == std::vector<std::string>{"gain", "bias"});
}

TEST_CASE("model: the counts of components are those of the formulas, and add up") {
  ModelSpec spec = tiny_spec();
  spec.options.tied = GENERATE(false, true);
  Params<float> params;
  const Model<float> model(spec, tiny_registry(), params);
  Index sum = 0;
  std::string text;
  for (const ComponentCount& c : count_components(params)) {
    sum += c.parameters;
    text += c.component + ' ' + std::to_string(c.parameters) + ", ";
  }
  CHECK(sum == count(params));
  const std::string head = spec.options.tied ? "0" : "42";
  CHECK(text == "attention 288, feed-forward 576, embedding 42, head " + head +
                    ", biases 108, norms 60, positions 30, ");
}

TEST_CASE("model: matrices decay; biases, gains, embeddings and positions do not") {
  Params<float> params;
  const Model<float> model(tiny_spec(), tiny_registry(), params);
  for (const ParamInfo& p : params.infos()) {
    CAPTURE(p.name);
    CHECK((p.role == Role::decayed) == (p.name == "head" || p.name.ends_with(".weight")));
  }
}

TEST_CASE("model: a probe shows the weights of every block") {
  const TinyData data(2, 5, 7);
  TinyModel<double> tiny(tiny_spec({{"naive"}, {"softmax"}}));
  Step<double> step(1, false);
  int pictures = 0;
  tiny.model.probe(step, data.all(), [&](Model<double>& model) {
    for (Index block = 0; block < model.blocks(); ++block)
      for (Index b = 0; b < 2; ++b)
        for (Index h = 0; h < model.attention(block).weight_heads(); ++h) {
          Matrix<double> p(5, 5);
          REQUIRE(model.attention(block).weights(step, b, h, mat(p.data(), 5, 5)));
          CHECK((p.rowwise().sum().array() - 1).abs().maxCoeff() < kRounding);
          CHECK(p.triangularView<Eigen::StrictlyUpper>().toDenseMatrix().isZero(0));
          ++pictures;
        }
  });
  CHECK(pictures == 2 * 2 * 3);
}

TEST_CASE("model: a head with a bias has one parameter more for each class, and the right gradient") {
  ModelSpec spec = tiny_spec({{"softmax"}});
  Params<float> without, with;
  Model<float>(spec, tiny_registry(), without);
  spec.options.head_bias = true;
  Model<float>(spec, tiny_registry(), with);
  CHECK(count(with) == count(without) + spec.shape.classes);
  CHECK(gradient_fault(spec) == "");
}

TEST_CASE("model: without linear_bias, only layer norms have biases; without bias, nothing has") {
  for (const bool bias : {true, false}) {
    ModelSpec spec = tiny_spec({{"softmax"}});
    spec.options.bias = bias, spec.options.linear_bias = false;
    TinyModel<double> tiny(spec);
    Index biases = 0;
    for (const ParamInfo& p : tiny.params.infos())
      if (p.name.ends_with(".bias")) {
        CHECK(p.component == Component::norms);
        ++biases;
      }
    CHECK(biases == (bias ? 5 : 0));  // two norms in each of two blocks, and the last one
  }
}

TEST_CASE("model: the cost is that of the matrices: two operations for each weight and row") {
  ModelSpec spec = tiny_spec();
  Params<float> params;
  const Model<float> model(spec, tiny_registry(), params);
  const double head = 2.0 * 6 * 7, matrices = 2.0 * (288 + 576);
  const double pairs = 5 * 6 / 2, scores = 2 * 2 * pairs * (6 + 6);  // of two layers
  CHECK(model.cost(5, 3).flops == Approx(5 * matrices + scores + 3 * head));
  CHECK(model.cost(5, 0).flops == Approx(5 * matrices + scores));
  CHECK(model.cost(5, 0).state_bytes == 4.0 * 2 * 5 * (6 + 6));  // keys and values of two layers
}

TEST_CASE("Model: the message about a model that cannot be built has the reason") {
  Params<float> params;
  ModelSpec spec = tiny_spec();
  spec.options.heads = 4;
  CHECK_THROWS_WITH(Model<float>(spec, tiny_registry(), params),
                    ContainsSubstring("'heads' is 4") && ContainsSubstring("'dim' (6)"));
  Params<float> others;
  CHECK_THROWS_WITH(Model<float>(tiny_spec({{"sotfmax"}}), tiny_registry(), others),
                    ContainsSubstring("unknown variant 'sotfmax'. Did you mean 'softmax'?"));
}

}  // namespace heed
