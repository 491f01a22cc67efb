// The formulas of Layer::cost and of parameters, against what is counted: multiply-adds on their way through
// the one door of products (core/ops/product.h), numbers in the declared arrays.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "core/check/bench.h"
#include "core/check/conformance.h"
#include "core/mixer.h"
#include "core/model/model.h"
#include "core/ops/product.h"
#include "core/ops/product_count.h"
#include "core/register.h"
#include "core/rng.h"
#include "tests/catch.h"

using namespace heed;

namespace {

const Registry& builtin() {
  static const Registry all = [] {
    Registry r;
    register_builtin_variants(r);
    return r;
  }();
  return all;
}

Problems& none() {
  static Problems problems;
  return problems;
}

template <class Work>
double counted_flops(Work&& work) {
  const std::uint64_t before = multiply_adds();
  work();
  return 2 * static_cast<double>(multiply_adds() - before);
}

// Tiles of one pair, chunks of one position: then nothing is multiplied that a mask hides.
Config without_waste(const VariantInfo& info, Config options) {
  for (const OptionInfo& o : info.options)
    if (o.name == "tile" || o.name == "chunk") options.set(o.name, Config::integer(1));
  return options;
}

// Or else it cannot be told to, and is counted without a mask. A variant that is always causal and has no
// tiles (a recurrent network) never multiplies a hidden pair.
bool can_do_without_waste(const VariantInfo& info) {
  const Traits traits = info.traits(info.resolve({}, info.name, none()));
  return !traits.mixes_time || !traits.bidirectional ||
         std::any_of(info.options.begin(), info.options.end(),
                     [](const OptionInfo& o) { return o.name == "tile" || o.name == "chunk"; });
}

// Setups that a variant claims: with and without mask, as many queries as keys or not.
std::vector<Setup> setups_of(const Traits& traits, bool masked) {
  std::vector<Setup> out;
  for (bool causal : {true, false}) {
    if (!(causal ? traits.causal && masked : traits.bidirectional)) continue;
    for (Index time : {1, 5, 40})
      for (Index heads : {1, 3})
        out.push_back({.batch = 1, .time = time, .heads = heads, .dim = 12, .causality = {causal, {}}});
    if (!traits.cross || !traits.mixes_time) continue;
    for (const auto& [tq, tk] : {std::pair<Index, Index>{5, 9}, {9, 5}, {1, 7}})
      out.push_back({.batch = 1,
                     .time = tq,
                     .heads = 3,
                     .dim = 12,
                     .cross = true,
                     .context_time = tk,
                     .context_dim = 6,
                     .causality = {causal, {}}});
  }
  return out;
}

struct Flops {
  double counted = 0, formula = 0;
};

Flops flops_of(const VariantInfo& info, const Config& options, const Setup& setup) {
  Bench<double> bench(info, options, setup);
  Flops out;
  out.counted = counted_flops([&] { bench.forward(); });
  out.formula = bench.layer->cost(setup.time, setup.keys()).flops;
  return out;
}

}  // namespace

TEST_CASE(
    "cost: the formula of each variant counts the multiply-adds that are made, for every choice of options") {
  for (const VariantInfo& info : builtin().variants())
    for (const Config& choice : all_option_choices(info)) {
      const Config options = without_waste(info, choice);
      for (const Setup& setup : setups_of(info.traits(options), can_do_without_waste(info))) {
        CAPTURE(subject_text(info, options), setup.to_string());
        try {
          const Flops flops = flops_of(info, options, setup);
          CHECK(flops.counted > 0);
          CHECK(flops.counted == flops.formula);
        } catch (const Error&) {  // a setup that the variant refuses
        }
      }
    }
}

TEST_CASE("visible_pairs: the closed form agrees with counting") {
  for (Index tq = 0; tq <= 6; ++tq)
    for (Index tk = 0; tk <= 6; ++tk) {
      CHECK(visible_pairs(tq, tk, {false, 0}) == tq * tk);
      for (Index offset = -8; offset <= 8; ++offset) {
        const Mask mask{true, offset};
        Index counted = 0;
        for (Index i = 0; i < tq; ++i)
          for (Index j = 0; j < tk; ++j) counted += mask.hides(i, j) ? 0 : 1;
        CAPTURE(tq, tk, offset);
        CHECK(visible_pairs(tq, tk, mask) == counted);
      }
    }
}

// A plan of long sequences must not wait: quadratic code would take minutes here.
TEST_CASE(
    "cost: every variant with every choice of options is made and counted fast for a million positions") {
  constexpr Index length = Index{1} << 20;
  for (const VariantInfo& info : builtin().variants())
    for (const Config& options : all_option_choices(info)) {
      CAPTURE(subject_text(info, options));
      LayerSpec<float> spec;
      spec.dim = spec.context_dim = 8, spec.heads = 2, spec.layers = 2, spec.length = length;
      const std::clock_t begin = std::clock();
      Params<float> params;
      const auto layer = info.make<float>(options, spec, params);
      CHECK(layer->cost(length, length).flops > 0);
      CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 5);
    }
}

TEST_CASE("cost: every kind of position is made fast for a million positions") {
  for (const PositionInfo& info : builtin().positions()) {
    CAPTURE(info.name);
    const std::clock_t begin = std::clock();
    Params<float> params;
    CHECK(info.make<float>(info.resolve({}, info.name, none()), {8, 2, Index{1} << 20}, params));
    CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 1);
  }
}

namespace {

Choice choice(const std::string& name, const std::vector<std::pair<std::string, Index>>& given = {}) {
  const VariantInfo& info = builtin().variant(name);
  Config options = Config::map();
  for (const auto& [option, value] : given) options.set(option, Config::integer(value));
  options = without_waste(info, info.resolve(options, name, none()));
  REQUIRE(none().empty());
  return {name, options};
}

ModelSpec model_spec(std::vector<Choice> attention, Choice feed_forward) {
  ModelSpec spec;
  spec.options.layers = 3, spec.options.heads = 2, spec.options.dim = 12;
  spec.shape = token_shape(11, 10);
  for (const Choice& c : attention)
    if (!can_do_without_waste(builtin().variant(c.name))) spec.shape.model = ModelType::encoder;
  spec.attention = std::move(attention);
  spec.feed_forward = std::move(feed_forward);
  return spec;
}

// Random tokens; the last `scored` positions of each sequence have labels.
struct Sequences {
  std::vector<Token> tokens, labels;
  Sequences(const ModelSpec& spec, Index batch, Index scored) {
    Draws draws = Rng(3, "sequences").at(0);
    const Index length = spec.shape.input.length;
    for (Index i = 0; i < batch * length; ++i) {
      tokens.push_back(static_cast<Token>(draws.below(spec.shape.classes)));
      labels.push_back(i % length < length - scored ? kUnscored : tokens.back());
    }
  }
};

}  // namespace

TEST_CASE("cost: the formula of a model counts its blocks, its head and nothing else") {
  constexpr Index batch = 3, scored = 4;
  const auto check = [&](const ModelSpec& spec) {
    Params<float> params;
    Model<float> model(spec, builtin(), params);
    params.freeze();
    params.initialize(1);
    const Sequences s(spec, batch, scored);
    Step<float> step(1, false);
    const double counted = counted_flops(
        [&] { model.evaluate(step, token_batch(s.tokens, s.labels, batch, spec.shape.input.length)); });
    CHECK(counted == batch * model.cost(spec.shape.input.length, scored).flops);
  };
  for (const VariantInfo& info : builtin().variants()) {
    if (info.traits(choice(info.name).options).is_feed_forward()) continue;
    for (const char* feed_forward : {"mlp", "swiglu", "pattention", "none"}) {
      CAPTURE(info.name, feed_forward);
      const std::string name = feed_forward;
      check(model_spec({choice(info.name)}, name == "none" ? Choice{"none"} : choice(name)));
    }
  }
  SECTION("of stacks, tied heads, layers that read the embeddings and every position too") {
    check(model_spec({choice("softmax")}, choice("in_place_ttt")));
    check(model_spec({choice("softmax"), choice("linear"), choice("tokenformer")},
                     choice("mlp", {{"width", 7}})));
    ModelSpec tied = model_spec({choice("window", {{"size", 2}}), choice("differential")}, choice("mlp"));
    tied.options.tied = true;
    check(tied);
    for (const PositionInfo& position : builtin().positions()) {
      ModelSpec spec = model_spec({choice("softmax")}, choice("mlp"));
      spec.options.heads = 3;  // of 4 channels, for rope_2d
      spec.columns = 5;        // of the grid, for positions in two dimensions
      spec.positions = {position.name, position.resolve({}, position.name, none())};
      CAPTURE(position.name);
      check(spec);
    }
  }
}

namespace {

// Wrong in the ways that formulas are wrong.
template <class S, int kWrong>
struct Miscounted {
  struct Options {
    Index tile = 1;
    void describe(auto& option) { option("tile", tile, {.min = 1}); }
  } options;
  struct Saved {};
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    product_abt(in.q, in.k, p);
    product_ab(p, in.v, o);
    return {};
  }
  void backward(const Head<S>&, const Saved&, In<S>, HeadGrad<S>&, Memory<S>&) const {}
  Traits traits() const { return {.causal = false}; }
  Cost cost(const HeadSize& s) const {
    const double right = 2 * static_cast<double>(s.tq * s.tk * (s.key + s.value));
    return {kWrong == 0 ? right : kWrong == 1 ? right / 2 : right - 2 * static_cast<double>(s.tk * s.key), 0};
  }
};
template <class S>
using Right = Miscounted<S, 0>;
template <class S>
using AddsAsOne = Miscounted<S, 1>;
template <class S>
using ForgetsOneQuery = Miscounted<S, 2>;

}  // namespace

TEST_CASE("cost: a wrong formula does not agree with the count") {
  Registry r;
  r.add_mixer<Right, Right<double>>("right", {"as it should be"});
  r.add_mixer<AddsAsOne, AddsAsOne<double>>("adds_as_one", {"a multiply-add as one"});
  r.add_mixer<ForgetsOneQuery, ForgetsOneQuery<double>>("forgets", {"one query's scores left out"});
  for (const VariantInfo& info : r.variants()) {
    const Flops flops = flops_of(info, info.resolve({}, info.name, none()),
                                 {.batch = 1, .time = 6, .heads = 2, .dim = 8, .causality = {false, {}}});
    CAPTURE(info.name);
    CHECK((flops.counted == flops.formula) == (info.name == "right"));
  }
}

namespace {

// Trainable numbers of a layer of width d, with its defaults and biases, written down by hand.
double written_down(const std::string& name, double d, double heads) {
  const double projections = 4 * d * d + 4 * d;
  if (name == "forgetting") return projections + d * heads + heads;  // the gates' map
  if (name == "nsa") return projections + 3 * d * heads;             // the gates' maps
  if (name == "memory") return projections + 2 * 16 * d;             // keys and values of 16 vectors
  if (name == "knn_memory") return projections + heads;              // the gates
  if (name == "retention")
    return projections + 2 * d * d + d + 2 * d * d;  // values of width 2 d, and their gate
  if (name == "gla")  // queries, keys and decays of width d / 2, the latter of rank 16; a gate, a gain
    return projections - d * d - d + 16 * d + 16 * d / 2 + d / 2 + d * d + d / heads;
  if (name == "ssd") {  // of 2 d channels, states of 128, one group, a convolution of 4
    const double inner = 2 * d, mixed = inner + 2 * 128, columns = inner + mixed + heads;
    return d * columns + columns + inner * d + d + 5 * mixed + 3 * heads + inner;
  }
  if (name == "ttt_linear")  // rates, a norm; for the heads W, b, their norms, and a scale for each place
    return projections + d * heads + heads + 2 * d + d * d / heads + 3 * d + 16;
  if (name == "differential") return projections + 4 * (d / heads / 2) + d / heads;  // four lambdas, a gain
  if (name == "differential_v2") return projections + d * d + d + d * heads;  // more queries; lambda's map
  // The delta rules: beta, filters of four taps, a gain; A and b of the decays; gates.
  const double head = d / heads, delta = projections + d * heads + 3 * 4 * d + head;
  if (name == "delta") return delta;
  if (name == "gated_delta") return delta + d * heads + 2 * heads + d * d;
  if (name == "gated_delta_2") return delta - d * heads + 4 * d * d + heads + d;
  if (name == "kda") return delta + 4 * d * head + heads + d + d;  // low-rank decays and gate, its bias
  if (name == "tokenformer") return 4 * d * 2 * d;                 // four maps of d tokens
  if (name == "mlp") return 2 * d * 4 * d + 4 * d + d;
  if (name == "pattention") return 4 * d * 2 * d;  // 4 d tokens
  if (name == "rnn") return d * (d + d + 2) + (d + 1) * d;
  if (name == "lstm") return 4 * d * (d + d + 2) + (d + 1) * d;
  if (name == "swiglu" || name == "in_place_ttt") {
    const double width = 8 * std::round(8 * d / 3 / 8), swiglu = 3 * d * width + 2 * width + d;
    return name == "swiglu" ? swiglu : swiglu + 5 * d + d * d;  // a filter of 5 taps, and the targets' map
  }
  for (const char* plain : {"softmax", "fast_weights", "linear", "window", "strided", "fixed", "bigbird",
                            "topk", "moba", "pattern", "stick_breaking"})
    if (name == plain) return projections;
  FAIL("write down how many parameters '" + name + "' has");
  return 0;
}

}  // namespace

TEST_CASE("cost: the parameters of each variant are as many as its formula says") {
  for (const VariantInfo& info : builtin().variants())
    for (const auto& [d, heads] : {std::pair<Index, Index>{24, 2}, {48, 4}}) {
      Params<float> params;
      const LayerSpec<float> spec{.dim = d, .context_dim = d, .heads = heads, .layers = 2, .length = 32};
      const auto layer = info.make<float>(choice(info.name).options, spec, params);
      CAPTURE(info.name, d, heads);
      CHECK(static_cast<double>(count(params)) ==
            written_down(info.name, static_cast<double>(d), static_cast<double>(heads)));
    }
}

TEST_CASE("cost: the parameters of a model are its layers', its norms', embedding, positions and head") {
  const ModelSpec spec = model_spec({choice("softmax")}, choice("mlp"));
  Params<float> params;
  const Model<float> model(spec, builtin(), params);
  const double d = 12, layers = 3, vocabulary = 11, length = 10;
  CHECK(static_cast<double>(count(params)) ==
        layers * (written_down("softmax", d, 2) + written_down("mlp", d, 2) + 2 * 2 * d) + 2 * d +
            2 * vocabulary * d + length * d);
}

namespace {

// What is multiplied, as a share of what the formula says; forward, and in an update of the parameters.
struct Beyond {
  double forward = 0, training = 0;
};

Beyond beyond(const std::string& variant, Index length) {
  Problems problems;
  ModelSpec spec;
  spec.shape = token_shape(32, length);
  spec.options.heads = 4;
  spec.attention = {{variant, builtin().variant(variant).resolve({}, variant, problems)}};
  spec.feed_forward = {"mlp", builtin().variant("mlp").resolve({}, "mlp", problems)};
  Params<float> params;
  Model<float> model(spec, builtin(), params);
  params.freeze();
  params.initialize(1);
  const Sequences s(spec, 1, length);
  const Batch batch = token_batch(s.tokens, s.labels, 1, length);
  Step<float> evaluation(1, false), training(1);
  const double forward = counted_flops([&] { model.evaluate(evaluation, batch); });
  const double update = counted_flops([&] { model.accumulate(training, batch); });
  const double formula = model.cost(length, length).flops;
  return {forward / formula - 1, update / (3 * formula) - 1};
}

}  // namespace

TEST_CASE("cost: tiles multiply hidden pairs and backward makes scores again, but not much of it") {
  for (const VariantInfo& info : builtin().variants()) {
    if (info.traits(choice(info.name).options).is_feed_forward()) continue;
    for (Index length : {32, 128, 512}) {
      const Beyond more = beyond(info.name, length);
      // The table of docs/costs.md.
      UNSCOPED_INFO(info.name << ' ' << length << ": forward " << 100 * more.forward << " %, training "
                              << 100 * more.training << " %");
      CAPTURE(info.name, length);
      CHECK(more.forward >= 0);
      CHECK(more.forward < 0.5);
      CHECK(more.training < 0.5);
    }
  }
}
