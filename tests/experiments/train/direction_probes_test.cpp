#include "experiments/train/direction_probes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "experiments/directions/theory.h"
#include "experiments/train/probes.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/stages.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/experiments/train/recorded.h"

namespace {

using namespace heed;
using test::array, test::metric;

constexpr Index kDim = 16, kVocabulary = 10;

// The same few sequences in every split.
struct Sequences : Task {
  explicit Sequences(std::vector<std::vector<Token>> all, ModelType type = ModelType::decoder)
      : sequences(std::move(all)), model(type) {}
  TaskShape shape() const override { return token_shape(kVocabulary, std::ssize(sequences[0]), model); }
  std::optional<Index> size(Split) const override { return std::ssize(sequences); }
  void fill(Split, std::uint64_t i, Example& example) const override {
    std::ranges::copy(sequences[i], example.input.tokens.begin());
    std::ranges::copy(sequences[i], example.labels.begin());
  }
  std::vector<std::vector<Token>> sequences;
  ModelType model;
};

// What is recorded of a model of two blocks, after `change` has set its parameters.
results::Record probed(const Task& task, const std::string& variant = "softmax",
                       const std::function<void(Params<float>&)>& change = {}, int threads = 1,
                       const std::string& positions = "none") {
  static const Registry registry = test::builtin();
  TrialConfig trial;
  trial.model.layers = 2, trial.model.heads = 2, trial.model.dim = kDim;
  trial.attention = {{variant, test::defaults(registry.variant(variant))}};
  trial.feed_forward = {"none", {}};
  trial.positions = {positions,
                     positions == "none" ? Config::map() : test::defaults(registry.position(positions))};
  Params<float> params;
  Model<float> model(model_spec(trial, task), registry, params);
  params.freeze();
  params.initialize(3);
  if (change) change(params);
  results::Record record;
  record.id = std::string(16, '0');
  add_direction_probes(record, model, params, task, kDim, threads);
  results::check(record);
  return record;
}

// Tokens are the axes, and blocks add nothing.
void make_axes(Params<float>& params) {
  for (const ParamInfo& p : params.infos()) params.find(p.name).value().setZero();
  params.find("embedding").value().setIdentity();
}

const std::vector<std::vector<Token>> kTwo = {{1, 2, 3, 2}, {4, 2, 3, 5}};

TEST_CASE("direction probes: orthogonal embeddings, in blocks that add nothing") {
  const results::Record record = probed(Sequences(kTwo), "softmax", make_axes);
  CHECK(metric(record, "embedding_cosine") == 0);
  CHECK(metric(record, "embedding_orthogonal") == 1);
  CHECK(array(record, "residual_same_token_cosine") == std::vector<double>(3, 1.0));
  CHECK(array(record, "residual_different_tokens_cosine") == std::vector<double>(3, 0.0));
  // Of 28 pairs of positions, three are of token 2 and one is of token 3.
  CHECK(std::abs(metric(record, "residual_cosine") - 4.0 / 28) < 1e-15);
  CHECK(std::abs(metric(record, "residual_orthogonal") - 24.0 / 28) < 1e-15);
}

TEST_CASE("direction probes: a token's vectors differ where the block adds what it has seen") {
  // With no queries, a position gets the mean of all rows up to it. Queries and keys stay zero.
  const auto add_means = [](Params<float>& params) {
    make_axes(params);
    for (const std::string block : {"blocks.0.", "blocks.1."}) {
      for (const std::string map : {"attention.value.weight", "attention.output.weight"})
        params.find(block + map).value().setIdentity();
      params.find(block + "norm1.gain").value().setOnes();
    }
  };
  const results::Record record = probed(Sequences(kTwo), "softmax", add_means);
  const std::vector<double> same = array(record, "residual_same_token_cosine"),
                            different = array(record, "residual_different_tokens_cosine");
  CHECK(same[0] == 1);
  CHECK((same[1] < 1 && same[2] < same[1]));
  CHECK(different[0] == 0);
  CHECK((different[1] > 0 && different[2] > different[1]));
  CHECK(metric(record, "residual_same_token_cosine") == same[2]);
  CHECK(metric(record, "residual_different_tokens_cosine") == different[2]);
}

TEST_CASE("direction probes: a pair that has seen the same does not count") {
  // The sequences differ in their last token only: every position before it has the same past.
  const std::vector<std::vector<Token>> last = {{1, 2, 3, 4}, {1, 2, 3, 5}};
  CHECK(std::isnan(metric(probed(Sequences(last)), "residual_same_token_cosine")));
  // An encoder sees the last token everywhere.
  const results::Record encoder = probed(Sequences(last, ModelType::encoder), "softmax", make_axes);
  CHECK(metric(encoder, "residual_same_token_cosine") == 1);
  // The same sequence twice: token 2 has another past at its second place.
  const std::vector<std::vector<Token>> twice = {{1, 2, 2, 4}, {1, 2, 2, 4}};
  CHECK(metric(probed(Sequences(twice), "softmax", make_axes), "residual_same_token_cosine") == 1);
}

TEST_CASE("direction probes: the keys of parameter tokens") {
  const Sequences task(kTwo);
  CHECK(std::isnan(metric(probed(task), "key_token_cosine")));
  const results::Record drawn = probed(task, "tokenformer");
  // 64 tokens in each of eight maps: 16,128 pairs.
  CHECK(std::abs(metric(drawn, "key_token_cosine") - metric(drawn, "random_cosine")) < 0.01);
  CHECK(std::abs(metric(drawn, "key_token_orthogonal") - metric(drawn, "random_orthogonal")) < 0.01);
  const auto make_equal = [](Params<float>& params) {
    for (const ParamInfo& p : params.infos())
      if (p.name.ends_with(".key_tokens")) params.find(p.name).value().setOnes();
  };
  const results::Record equal = probed(task, "tokenformer", make_equal);
  CHECK(std::abs(metric(equal, "key_token_cosine") - 1) < 1e-12);
  CHECK(metric(equal, "key_token_orthogonal") == 0);
}

TEST_CASE("direction probes: random directions are those of the model's dimension") {
  const results::Record record = probed(Sequences(kTwo));
  CHECK(metric(record, "random_cosine") == directions::mean_random_cosine(kDim));
  CHECK(metric(record, "random_orthogonal") == directions::random_pair_fits({kDim, 1}));
  // A drawn embedding has them: 45 pairs, standard error 0.022.
  CHECK(std::abs(metric(record, "embedding_cosine") - metric(record, "random_cosine")) < 0.07);
}

TEST_CASE("direction probes: long sequences are not probed, and every metric is recorded in any case") {
  const Sequences task({std::vector<Token>(kLongestProbed + 1, 1)});
  const results::Record record = probed(task, "linear");
  CHECK(record.arrays.empty());
  CHECK(std::isnan(metric(record, "residual_cosine")));
  CHECK(std::isfinite(metric(record, "embedding_cosine")));
  results::Record none;
  add_no_direction_probes(none);
  REQUIRE(none.metrics.size() == record.metrics.size());
  for (std::size_t i = 0; i < none.metrics.size(); ++i) {
    CHECK(none.metrics[i].name == record.metrics[i].name);
    CHECK(std::isnan(none.metrics[i].value));
    CHECK(find_metric(none.metrics[i].name));
  }
}

TEST_CASE(
    "direction probes: models without attention weights are probed, with the same bits on any threads") {
  const auto bits = [](const results::Record& record) {
    std::vector<std::uint64_t> all;
    for (const results::Metric& m : record.metrics) all.push_back(std::bit_cast<std::uint64_t>(m.value));
    return all;
  };
  for (const char* variant : {"rnn", "softmax"}) {
    const results::Record one = probed(Sequences(kTwo), variant, {}, 1, "learned");
    CHECK(array(one, "residual_same_token_cosine").size() == 3);
    CHECK(array(one, "residual_same_token_cosine")[0] < 1);  // positions are in it
    CHECK(bits(one) == bits(probed(Sequences(kTwo), variant, {}, 3, "learned")));
  }
}

}  // namespace
