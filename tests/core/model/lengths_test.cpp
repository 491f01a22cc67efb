// Sequences of different lengths in one batch: padding never changes a number.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"
#include "tests/difference.h"
#include "tests/heap.h"

namespace heed {
namespace {

// Only rounding of sums in another order.
constexpr double kRounding = 1e-12;

TaskShape shape_of(ModelType model) {
  TaskShape shape = token_shape(7, 9, model);
  if (model == ModelType::encoder_decoder) shape.source = {Stream::Kind::tokens, 5, 8};
  return shape;
}

ModelSpec spec_of(ModelType model, const std::string& variant, const std::string& positions = "learned") {
  ModelSpec spec = tiny_spec({{variant}});
  spec.options.heads = 2, spec.options.dim = 8;
  spec.shape = shape_of(model);
  spec.positions = {positions};
  spec.cross_attention = {{variant}};
  return spec;
}

// Five examples; the last has no source.
std::vector<ExampleData> examples_of(const TaskShape& shape) {
  const bool pairs = shape.model == ModelType::encoder_decoder;
  return random_examples(shape, {3, 5, 1, 5, 4},
                         pairs ? std::vector<Index>{6, 1, 4, 4, 0} : std::vector<Index>());
}

struct Learned {
  double loss = 0;
  std::vector<double> gradients, logits;
  bool operator==(const Learned&) const = default;
};

Learned learn(TinyModel<double>& tiny, const Batch& batch) {
  Step<double> step, evaluation(1, false);
  Learned out;
  out.loss = tiny.learn(step, batch).loss;
  out.gradients.assign(tiny.params.grads().begin(), tiny.params.grads().end());
  out.logits.resize(static_cast<std::size_t>(batch.scored() * 7));
  tiny.model.evaluate(evaluation, batch, {}, out.logits);
  return out;
}

// What a batch comes to, against its sequences one by one; empty if they agree.
std::string mixing_fault(const ModelSpec& spec, const Registry& registry = tiny_registry()) {
  TinyModel<double> tiny(spec, 0.4, registry);
  const std::vector<ExampleData> examples = examples_of(spec.shape);
  const Index source_time = spec.shape.source.length;
  PaddedBatch together(spec.shape, examples, 9, source_time);
  const Learned all = learn(tiny, together.all());
  std::vector<double> logits, gradients(all.gradients.size());
  for (const ExampleData& e : examples) {
    PaddedBatch alone(spec.shape, {e}, std::ssize(e.tokens), source_time > 0 ? std::ssize(e.source) : 0);
    Batch batch = alone.all();
    batch.input.lengths = {}, batch.source.lengths = {};  // as a batch of full sequences
    const Learned one = learn(tiny, batch);
    logits.insert(logits.end(), one.logits.begin(), one.logits.end());
    const double share = static_cast<double>(batch.scored()) / static_cast<double>(together.all().scored());
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] += share * one.gradients[i];
  }
  if (logits != all.logits) return "logits";
  if (largest_difference(gradients, all.gradients) > kRounding) return "gradients";
  return "";
}

// Takes each sequence to be as long as the longest could be, as if there were padding between them.
template <class S>
class Padded final : public Layer<S> {
 public:
  using Options = NoOptions;
  Padded(const Options&, const LayerSpec<S>&, Params<S>&) {}
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    y.rows() = x.rows();
    const Index second = std::min(x.time, x.row_count() - 1);  // where the second sequence would begin
    y.rows().row(second) *= 2;
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    dx.rows() += dy.rows();
    const Index second = std::min(dy.time, dy.row_count() - 1);
    dx.rows().row(second) += dy.rows().row(second);
  }
  Cost cost(Index, Index) const override { return {}; }
};

constexpr ModelType kTypes[] = {ModelType::decoder, ModelType::encoder, ModelType::encoder_decoder};

}  // namespace

TEST_CASE(
    "lengths: a sequence of a batch gives the same results as by itself, for any lengths of the others") {
  const std::string variant = GENERATE("naive", "softmax", "window", "linear", "tokenformer", "differential");
  const std::string positions = GENERATE("learned", "rope", "none");
  for (const ModelType model : kTypes) {
    CAPTURE(variant, positions, static_cast<int>(model));
    CHECK(mixing_fault(spec_of(model, variant, positions)) == "");
  }
}

TEST_CASE("lengths: the comparison with single sequences finds a layer that counts padding") {
  Registry registry = tiny_registry();
  registry.add_layer<Padded>("padded", {"Deliberately wrong"});
  ModelSpec spec = spec_of(ModelType::decoder, "padded");
  CHECK(mixing_fault(spec, registry) == "logits");
}

TEST_CASE("lengths: content and amount of padding change no bit") {
  for (const ModelType model : kTypes) {
    CAPTURE(static_cast<int>(model));
    const ModelSpec spec = spec_of(model, "softmax");
    TinyModel<double> tiny(spec);
    const std::vector<ExampleData> examples = examples_of(spec.shape);
    const Index source_time = model == ModelType::encoder_decoder ? 6 : 0;
    PaddedBatch tight(spec.shape, examples, 5, source_time);
    const Learned expected = learn(tiny, tight.all());
    PaddedBatch filled(spec.shape, examples, 5, source_time, 3);
    CHECK(learn(tiny, filled.all()) == expected);
    PaddedBatch longer(spec.shape, examples, 9, source_time > 0 ? 8 : 0, 4);
    CHECK(learn(tiny, longer.all()) == expected);
  }
}

TEST_CASE("lengths: a token that occurs only in padding has a gradient of exactly zero") {
  const ModelSpec spec = spec_of(ModelType::encoder_decoder, "softmax");
  TinyModel<double> tiny(spec);
  std::vector<ExampleData> examples = examples_of(spec.shape);
  for (ExampleData& e : examples) {
    std::ranges::replace(e.tokens, 6, 5);
    std::ranges::replace(e.source, 4, 3);
  }
  PaddedBatch batch(spec.shape, examples, 9, 8, 4);
  Step<double> step;
  tiny.learn(step, batch.all());
  CHECK(tiny.params.find("encoder.embedding").grad().row(4).isZero(0));
  CHECK_FALSE(tiny.params.find("encoder.embedding").grad().row(3).isZero(0));
  CHECK(tiny.params.find("embedding").grad().row(6).isZero(0));
  CHECK_FALSE(tiny.params.find("embedding").grad().row(5).isZero(0));
}

TEST_CASE("lengths: full sequences give the same bits with and without their lengths") {
  for (const ModelType model : kTypes) {
    const ModelSpec spec = spec_of(model, "window");
    TinyModel<double> tiny(spec);
    const bool pairs = model == ModelType::encoder_decoder;
    PaddedBatch data(
        spec.shape,
        random_examples(spec.shape, {9, 9, 9}, pairs ? std::vector<Index>{8, 8, 8} : std::vector<Index>()), 9,
        pairs ? 8 : 0);
    Batch without = data.all();
    without.input.lengths = {}, without.source.lengths = {};
    CHECK(learn(tiny, data.all()) == learn(tiny, without));
  }
}

TEST_CASE("lengths: permuting a batch permutes the results") {
  for (const ModelType model : kTypes) {
    CAPTURE(static_cast<int>(model));
    const ModelSpec spec = spec_of(model, "softmax");
    TinyModel<double> tiny(spec);
    std::vector<ExampleData> examples = examples_of(spec.shape);
    const Index source_time = spec.shape.source.length;
    PaddedBatch data(spec.shape, examples, 9, source_time);
    const Learned before = learn(tiny, data.all());
    std::rotate(examples.begin(), examples.begin() + 1, examples.end());
    PaddedBatch rotated(spec.shape, examples, 9, source_time);
    const Learned after = learn(tiny, rotated.all());
    CHECK(after.loss == Approx(before.loss).epsilon(kRounding));
    CHECK(largest_difference(after.gradients, before.gradients) < kRounding);
    // The first example, with two scored positions, comes last now.
    std::vector<double> logits = before.logits;
    std::rotate(logits.begin(), logits.begin() + 2 * 7, logits.end());
    CHECK(after.logits == logits);
  }
}

TEST_CASE(
    "lengths: an empty source adds the bias of the output projection, for every variant with "
    "cross-attention") {
  const Registry registry = tiny_registry();
  for (const VariantInfo& info : registry.variants()) {
    Problems problems;
    const Config options = info.resolve({}, info.name, problems);
    const Traits traits = info.traits(options);
    if (!info.is_mixer() || !traits.cross || !traits.mixes_time) continue;
    CAPTURE(info.name);
    Params<double> params;
    const auto layer = info.make<double>(
        options, {.dim = 6, .context_dim = 6, .heads = 3, .length = 5, .causality = {.causal = false}},
        params);
    params.freeze();
    params.initialize(1);
    disturb(params, 0.4);
    const Index starts[] = {0, 0, 4};  // the first of two contexts is empty
    Matrix<double> x = normal_matrix<double>(2 * 3, 6, 1, "x"), context = normal_matrix<double>(4, 6, 1, "c");
    Matrix<double> y(2 * 3, 6), dx = Matrix<double>::Zero(2 * 3, 6), dcontext = Matrix<double>::Zero(4, 6);
    const Seq<double> all{context.data(), 2, 5, 6, starts};
    Step<double> step;
    layer->forward(step, Seq<const double>{x.data(), 2, 3, 6}, all, {y.data(), 2, 3, 6});
    layer->backward(step, Seq<const double>{x.data(), 2, 3, 6}, {dx.data(), 2, 3, 6},
                    {dcontext.data(), 2, 5, 6, starts});
    CHECK(y.allFinite());
    for (Index t = 0; t < 3; ++t) CHECK(y.row(t) == params.find("output.bias").value().row(0));
    CHECK(dx.topRows(3).isZero(0));
    CHECK_FALSE(dx.bottomRows(3).isZero(0));
    CHECK(dcontext.allFinite());
  }
}

TEST_CASE("lengths: later steps allocate nothing on the heap, for any lengths of their sequences") {
  const std::string variant = GENERATE("softmax", "linear", "window", "differential", "tokenformer");
  for (const ModelType model : kTypes) {
    CAPTURE(variant, static_cast<int>(model));
    const ModelSpec spec = spec_of(model, variant);
    const bool pairs = model == ModelType::encoder_decoder;
    TinyModel<float> tiny(spec, 0.02);
    Step<float> step;
    const auto allocations = [&](const std::vector<Index>& lengths, const std::vector<Index>& sources) {
      PaddedBatch data(spec.shape,
                       random_examples(spec.shape, lengths, pairs ? sources : std::vector<Index>()), 9,
                       spec.shape.source.length);
      const Batch batch = data.all();
      const std::size_t before = test::heap_allocations();
      tiny.learn(step, batch);
      return test::heap_allocations() - before;
    };
    allocations({9, 7, 4, 2}, {8, 5, 3, 1});
    CHECK(allocations({2, 9, 7, 4}, {1, 8, 5, 3}) == 0);
    CHECK(allocations({7, 7, 4, 2}, {5, 5, 3, 1}) == 0);
  }
}

}  // namespace heed
