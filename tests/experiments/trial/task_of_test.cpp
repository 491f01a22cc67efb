#include "experiments/trial/task_of.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

// Sequences of 1 to 4 tokens, with one label.
class Counted final : public Task {
 public:
  TaskShape shape() const override {
    TaskShape shape = token_shape(4, 4, ModelType::encoder);
    shape.labels = Labels::per_sequence;
    return shape;
  }
  void fill(Split, std::uint64_t index, Example& example) const override {
    example.input.length = 1 + static_cast<Index>(index % 4);
    std::ranges::fill(example.input.tokens, 1);
    example.labels[0] = static_cast<Token>(index % 4);
  }
};

}  // namespace

TEST_CASE("for_model: a decoder reads the source, then the input, and is scored on the input's labels") {
  const auto apart = make_task("translation");
  const auto joined = for_model(make_task("translation"), ModelType::decoder);
  const TaskShape shape = joined->shape(), own = apart->shape();
  CHECK(shape == token_shape(own.classes, own.source.length + own.input.length));
  for (const Split split : kSplits)
    for (std::uint64_t i = 0; i < 200; ++i) {
      const Sequence two = draw(*apart, split, i), one = draw(*joined, split, i);
      std::vector<Token> tokens = two.source, labels(two.source.size(), kUnscored);
      tokens.insert(tokens.end(), two.tokens.begin(), two.tokens.end());
      labels.insert(labels.end(), two.labels.begin(), two.labels.end());
      REQUIRE(one == Sequence{tokens, labels});
    }
}

TEST_CASE("for_model: another type of model changes the shape only") {
  const auto decoder = for_model(std::make_unique<Counted>(), ModelType::decoder);
  TaskShape expected = Counted().shape();
  expected.model = ModelType::decoder;
  CHECK(decoder->shape() == expected);
  CHECK(draw(*decoder, Split::test, 2) == draw(Counted(), Split::test, 2));
}

TEST_CASE("suits: a task suits its own type, and others where both make sense") {
  const auto suited = [](const Task& task) {
    std::string out;
    for (const ModelType type : {ModelType::decoder, ModelType::encoder, ModelType::encoder_decoder})
      if (suits(task, type)) out += std::string(out.empty() ? "" : " ") + to_string(type);
    return out;
  };
  CHECK(suited(*make_task("translation")) == "decoder encoder_decoder");
  CHECK(suited(*make_task("text")) == "decoder");
  CHECK(suited(*make_task("mqar")) == "decoder encoder");
  CHECK(suited(*make_task("parity")) == "decoder encoder");
  CHECK(suited(*make_task("recall")) == "decoder");  // in training it scores the next token
  CHECK(suited(*make_task("recall", {{"labels", "recalled"}})) == "decoder");
  CHECK(suited(*make_task("induction")) == "decoder encoder");
  CHECK(suited(*make_task("induction", {{"score", "all"}})) == "decoder");
  CHECK(suited(Counted()) == "decoder encoder");
}

TEST_CASE("model_type_of and pool_of: names and values belong to each other") {
  for (const ModelType type : {ModelType::decoder, ModelType::encoder, ModelType::encoder_decoder})
    CHECK(model_type_of(to_string(type)) == type);
  for (const Pool pool : {Pool::mean, Pool::first, Pool::last}) CHECK(pool_of(to_string(pool)) == pool);
  CHECK_FALSE(model_type_of("encoder-decoder"));
  CHECK_FALSE(pool_of("max"));
}
