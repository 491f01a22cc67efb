// Whole models on several ranks, each with a part of every sequence: they are one rank's model.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/thread_ranks.h"
#include "tests/catch.h"
#include "tests/core/model/examples.h"
#include "tests/core/model/tiny_model.h"
#include "tests/difference.h"

namespace heed {
namespace {

constexpr double kTolerance = 1e-10;
constexpr Index kTime = 11;

// What a batch gives: on several ranks, rank 0's, with the gradients summed over all.
struct Learned {
  Score score, evaluated;
  std::vector<double> gradients, logits;
  std::vector<Token> predicted;
};

Learned learn(const ModelSpec& spec, const Batch& batch, Index micro_batch, Communicator* communicator) {
  TinyModel<double> tiny(spec);
  if (communicator) tiny.model.divide(*communicator);
  Step<double> step, evaluation(1, false);
  Learned out;
  out.score = tiny.learn(step, batch, micro_batch);
  if (communicator) communicator->sum(tiny.params.grads());
  out.gradients.assign(tiny.params.grads().begin(), tiny.params.grads().end());
  out.logits.resize(static_cast<std::size_t>(batch.scored() * spec.shape.classes));
  out.predicted.resize(static_cast<std::size_t>(batch.scored()));
  out.evaluated = tiny.model.evaluate(evaluation, batch, out.predicted, out.logits);
  return out;
}

// Compares 1 to 4 ranks with a model that knows no ranks. Some sequences are shorter than there are ranks.
void check(const ModelSpec& spec) {
  PaddedBatch data(spec.shape, random_examples(spec.shape, {kTime, 3, 8, 1, kTime, 5}), kTime, 0);
  const Batch batch = data.all();
  for (const Index micro_batch : {0, 2}) {
    const Learned one = learn(spec, batch, micro_batch, nullptr);
    for (int ranks = 1; ranks <= 4; ++ranks) {
      CAPTURE(ranks, micro_batch);
      std::vector<Learned> all(static_cast<std::size_t>(ranks));
      run_ranks(ranks, [&](Communicator& communicator) {
        all[static_cast<std::size_t>(communicator.rank())] = learn(spec, batch, micro_batch, &communicator);
      });
      for (const Learned& own : all) {
        CHECK(std::abs(own.score.loss - one.score.loss) < kTolerance);
        CHECK(own.score.scored == one.score.scored);
        CHECK(own.score.correct == one.score.correct);
        CHECK(std::abs(own.evaluated.loss - one.evaluated.loss) < kTolerance);
        CHECK(own.predicted == one.predicted);
        CHECK(largest_difference(own.gradients, one.gradients) < kTolerance);
        CHECK(largest_difference(own.logits, one.logits) < kTolerance);
        CHECK(own.gradients == all[0].gradients);  // to the bit, so that the ranks stay one model
      }
    }
  }
}

ModelSpec spec_of(std::vector<Choice> attention, const std::string& positions = "learned",
                  ModelType type = ModelType::decoder) {
  ModelSpec spec = tiny_spec(std::move(attention));
  spec.options.heads = 2, spec.options.dim = 8;
  spec.shape = token_shape(7, kTime, type);
  spec.positions = {positions};
  return spec;
}

// The message of the exception that divide() throws.
std::string refusal(const ModelSpec& spec) {
  std::string message;
  try {
    run_ranks(1, [&](Communicator& communicator) { TinyModel<double>(spec).model.divide(communicator); });
  } catch (const Error& e) {
    message = e.what();
  }
  return message;
}

}  // namespace

TEST_CASE("divided model: decoders on 1 to 4 ranks are one rank's, with all kinds of positions") {
  for (const char* positions : {"learned", "sinusoidal", "rope", "alibi", "none"}) {
    CAPTURE(positions);
    check(spec_of({{"softmax"}}, positions));
  }
}

TEST_CASE("divided model: a state that goes from rank to rank, also beside a ring") {
  check(spec_of({{"linear"}}));
  check(spec_of({{"softmax"}, {"gla"}}));  // the weaker claim holds for both: contiguous
  check(spec_of({{"tokenformer"}, {"forgetting"}}));
}

TEST_CASE("divided model: encoders with a label at each position") {
  check(spec_of({{"softmax"}}, "learned", ModelType::encoder));
  check(spec_of({{"linear"}, {"softmax"}}, "rope", ModelType::encoder));
}

TEST_CASE("divided model: a model that needs whole sequences says why") {
  CHECK(refusal(spec_of({{"softmax"}})).empty());
  CHECK(refusal(spec_of({{"softmax"}, {"delta"}})) ==
        "'delta' with its options needs whole sequences: it cannot divide them among ranks.");
  ModelSpec pooled = spec_of({{"softmax"}}, "learned", ModelType::encoder);
  pooled.shape.labels = Labels::per_sequence;
  CHECK(refusal(pooled) == "a task with one label per sequence cannot divide its sequences among ranks.");
  ModelSpec pairs = spec_of({{"softmax"}}, "learned", ModelType::encoder_decoder);
  pairs.shape.source = {Stream::Kind::tokens, 5, 8};
  pairs.cross_attention = {{"softmax"}};
  CHECK(refusal(pairs) == "a model of two sequences cannot divide its sequences among ranks.");
}

}  // namespace heed
