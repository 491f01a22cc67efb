// A decoder that reads the tokens of a sequence in any order (ModelSpec::ordered).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/model/decoder.h"
#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"

namespace heed {
namespace {

constexpr Index kBatch = 3, kTime = 5, kClasses = 7;

ModelSpec ordered_spec(const std::string& positions = "learned") {
  ModelSpec spec = tiny_spec({{"softmax"}});
  spec.shape = token_shape(kClasses, kTime);
  spec.positions = {positions};
  spec.ordered = true;
  return spec;
}

ModelSpec plain_spec() {
  ModelSpec spec = ordered_spec();
  spec.ordered = false;
  return spec;
}

// Tokens with random orders, or in raster order with `raster`.
struct OrderedData : TinyData {
  explicit OrderedData(bool raster = false) : TinyData(kBatch, kTime, kClasses) {
    Draws draws = Rng(1, "test orders").at(0);
    for (Index b = 0; b < kBatch; ++b)
      for (const std::ptrdiff_t at : draws.sample(kTime, kTime))
        order.push_back(static_cast<Token>(raster ? std::ssize(order) % kTime : at));
  }
  Batch all() const {
    Batch out = TinyData::all();
    out.input.order = order;
    return out;
  }
  std::vector<Token> order;
};

Matrix<double> logits_of(TinyModel<double>& tiny, Batch batch) {
  std::vector<Token> scored(batch.labels.size(), 1);
  batch.labels = scored;
  Matrix<double> out(std::ssize(scored), kClasses);
  Step<double> step(1, false);
  tiny.model.evaluate(step, batch, {}, {out.data(), static_cast<std::size_t>(out.size())});
  return out;
}

// A task whose windows are 0 1 2 3 4, 5 6 0 1 2, ...; the condition is the class 7 or 8.
struct Windows : Task, OrderTraits {
  std::optional<Annealing> annealing() const override { return Annealing{1, 1}; }
  TaskShape shape() const override {
    TaskShape shape = token_shape(kClasses, kTime);
    shape.input.width += 2;
    return shape;
  }
  void fill(Split, std::uint64_t index, Example& example) const override {
    example.input.tokens[0] = static_cast<Token>(kClasses + static_cast<Index>(index) % 2);
    for (Index t = 0; t < kTime; ++t) {
      example.labels[t] = static_cast<Token>((static_cast<Index>(index) * kTime + t) % kClasses);
      if (t + 1 < kTime) example.input.tokens[t + 1] = example.labels[t];
    }
  }
};

}  // namespace

TEST_CASE("order: the gradient of every parameter agrees with differences, for any orders and lengths") {
  const std::string positions = GENERATE("learned", "sinusoidal", "none");
  const bool raster = GENERATE(false, true), shorter = GENERATE(false, true);
  CAPTURE(positions, raster, shorter);
  TinyModel<double> tiny(ordered_spec(positions));
  const OrderedData data;
  const std::vector<Index> lengths = {5, 2, 4};
  Batch batch = data.all();
  if (raster) batch.input.order = {};
  if (shorter) batch.input.lengths = lengths;
  Step<double> step, evaluation(1, false);
  tiny.learn(step, batch, 2);
  const GradientReport report = compare_gradients(
      parameter_tensors(tiny.params), [&] { return tiny.model.evaluate(evaluation, batch).mean_loss(); });
  CHECK(report.fault == "");
  CHECK(report.coordinates == count(tiny.params));
  CHECK(tiny.params.find("target_positions").grad().norm() > 0.01);
}

TEST_CASE(
    "order: in raster order, without targets, loss and gradients are those of a plain decoder, to the bit") {
  const bool is_written = GENERATE(false, true);  // the order 0, 1, 2, ..., or none
  TinyModel<double> plain(plain_spec()), tiny(ordered_spec());
  for (const ParamInfo& p : plain.params.infos()) {
    Mat<double> to = tiny.params.find(p.name).value();
    to.topRows(p.rows) = plain.params.find(p.name).value();
  }
  tiny.params.find("target_positions").value().setZero();
  const OrderedData data(true);
  Batch batch = data.all();
  if (!is_written) batch.input.order = {};
  Step<double> step;
  CHECK(tiny.learn(step, batch, kBatch).loss == plain.learn(step, data.TinyData::all(), kBatch).loss);
  for (const ParamInfo& p : plain.params.infos()) {
    CAPTURE(p.name);
    const Mat<double> found = tiny.params.find(p.name).grad(), expected = plain.params.find(p.name).grad();
    CHECK(found.topRows(p.rows) == expected);
  }
  CHECK(logits_of(tiny, batch) == logits_of(plain, data.TinyData::all()));
  // Row t has the position t and predicts token t.
  CHECK(tiny.params.find("target_positions").grad() ==
        tiny.params.find("positions.table").grad().topRows(kTime));
  CHECK(tiny.params.find("positions.table").grad().row(kTime).isZero(0));
}

TEST_CASE("order: in raster order, the targets can be added to the positions") {
  TinyModel<double> plain(plain_spec()), tiny(ordered_spec());
  for (const ParamInfo& p : plain.params.infos())
    plain.params.find(p.name).value() = tiny.params.find(p.name).value().topRows(p.rows);
  plain.params.find("positions.table").value() += tiny.params.find("target_positions").value();
  const OrderedData data(true);
  CHECK(logits_of(tiny, data.all()).isApprox(logits_of(plain, data.TinyData::all()), 1e-12));
  CHECK_FALSE(logits_of(tiny, OrderedData().all()).isApprox(logits_of(tiny, data.all()), 1e-3));
}

TEST_CASE("order: a row depends on the tokens before it in this order, and on the place that it predicts") {
  TinyModel<double> tiny(ordered_spec());
  OrderedData data;
  const Matrix<double> before = logits_of(tiny, data.all());
  const auto changed_rows = [&] {
    const Matrix<double> now = logits_of(tiny, data.all());
    std::vector<Index> out;
    for (Index r = 0; r < now.rows(); ++r)
      if (now.row(r) != before.row(r)) out.push_back(r);
    return out;
  };
  data.tokens[kTime + 3] = (data.tokens[kTime + 3] + 1) % kClasses;  // of the second sequence
  CHECK(changed_rows() == std::vector<Index>{kTime + 3, kTime + 4});
  data = OrderedData();
  std::swap(data.order[kTime + 3], data.order[kTime + 4]);  // the last two tokens change places
  CHECK(changed_rows() == std::vector<Index>{kTime + 3, kTime + 4});
}

TEST_CASE("order: labels and tokens follow the order, and back") {
  const Windows task;
  Sequences room(task, 2);
  for (Index r = 0; r < 2; ++r) room.fill(r, Split::train, static_cast<std::uint64_t>(r));
  const auto tokens = [&] {
    const Batch batch = room.first(2);
    return std::vector<Token>(batch.input.tokens.begin(), batch.input.tokens.end());
  };
  const std::vector<Token> raster_labels = room.labels, raster_tokens = tokens();
  CHECK(room.first(2).input.order.empty());

  const std::vector<Token> order = {3, 0, 4, 2, 1};
  room.reorder(1, order);
  CHECK(room.labels == std::vector<Token>{0, 1, 2, 3, 4, 1, 5, 2, 0, 6});
  CHECK(tokens() == std::vector<Token>{7, 0, 1, 2, 3, 8, 1, 5, 2, 0});
  const Batch batch = room.first(2);
  CHECK(std::ranges::equal(batch.input.order, std::vector<Token>{0, 1, 2, 3, 4, 3, 0, 4, 2, 1}));
  CHECK(std::ranges::equal(batch.part(1, 1).input.order, order));
  CHECK(room.first(1).input.order.empty());

  room.reorder(1, std::vector<Token>{1, 4, 3, 0, 2});  // the inverse
  CHECK(room.labels == raster_labels);
  CHECK(tokens() == raster_tokens);
  room.reorder(1, order);
  room.fill(1, Split::train, 1);
  CHECK(room.labels == raster_labels);
  CHECK(room.first(2).input.order.empty());
  CHECK_THROWS(room.reorder(1, std::vector<Token>{1, 0}));
}

TEST_CASE("order: token by token, a decoder predicts what one pass in raster order does") {
  for (const char* positions : {"learned", "sinusoidal", "none"}) {
    CAPTURE(positions);
    TinyModel<double> tiny(ordered_spec(positions));
    const OrderedData data(true);
    const Matrix<double> expected = logits_of(tiny, data.all());
    Step<double> step(1, false);
    Decoder<double> decoder(tiny.model, step, kBatch, kTime);
    for (Index t = 0; t < kTime; ++t) {
      std::vector<Token> tokens;
      for (Index b = 0; b < kBatch; ++b)
        tokens.push_back(data.tokens[static_cast<std::size_t>(b * kTime + t)]);
      const Mat<double> logits = decoder.next(step, tokens);
      for (Index b = 0; b < kBatch; ++b)
        CHECK((logits.row(b) - expected.row(b * kTime + t)).cwiseAbs().maxCoeff() < 1e-12);
      step.rewind();
    }
  }
}

TEST_CASE("order: positions that act on rows are refused, and so are models that see the future") {
  Params<double> rotated, biased, both_sides;
  CHECK_THROWS_WITH(Model<double>(ordered_spec("rope"), tiny_registry(), rotated),
                    ContainsSubstring("the positions 'rope'") &&
                        ContainsSubstring("Use model.positions: learned, sinusoidal or none."));
  CHECK_THROWS_WITH(Model<double>(ordered_spec("alibi"), tiny_registry(), biased),
                    ContainsSubstring("the positions 'alibi'"));
  ModelSpec spec = ordered_spec();
  spec.shape.model = ModelType::encoder;
  CHECK_THROWS_WITH(Model<double>(spec, tiny_registry(), both_sides), ContainsSubstring("of type 'decoder'"));
}

}  // namespace heed
