#include "experiments/train/probes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "core/label_relevance.h"
#include "core/mixer.h"
#include "core/task_traits.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/train/probe_batch.h"
#include "experiments/train/trial.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/experiments/train/recorded.h"

namespace {

using namespace heed;
using test::array, test::defaults, test::metric;

// Each query's value itself: mixes nothing, and has no weights to show.
template <class S>
struct Self {
  struct Saved {};
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>&) const {
    o = in.v;
    return {};
  }
  void backward(const Head<S>&, const Saved&, In<S> d_o, HeadGrad<S>& grad, Memory<S>&) const {
    grad.v += d_o;
  }
};

// Weights 1/(i+1) on each visible key, whatever queries and keys are.
template <class S>
struct Uniform : Self<S> {
  void weights(const Head<S>&, const typename Self<S>::Saved&, Mat<S> p, Memory<S>&) const {
    p.setZero();
    for (Index i = 0; i < p.rows(); ++i) p.row(i).head(i + 1).setConstant(S(1) / static_cast<S>(i + 1));
  }
};

const Registry& registry() {
  static const Registry filled = [] {
    Registry r = test::builtin();
    r.add_mixer<Self>("self", {});
    r.add_mixer<Uniform>("uniform", {});
    return r;
  }();
  return filled;
}

struct TaskGiven {
  std::string name;
  std::vector<std::pair<const char*, Index>> options;
};

// What probes record of an untrained model with these variants in turn.
results::Record probed_on(const Task& task, const std::vector<std::string>& variants, int threads = 1,
                          Index heads = 2) {
  TrialConfig trial;
  trial.model.layers = 2, trial.model.heads = heads, trial.model.dim = 12;
  for (const std::string& v : variants) trial.attention.push_back({v, defaults(registry().variant(v))});
  trial.feed_forward = {"none", {}};
  trial.positions = {"learned", defaults(registry().position("learned"))};
  Params<float> params;
  Model<float> model(model_spec(trial, task), registry(), params);
  params.freeze();
  params.initialize(3);
  results::Record record;
  record.id = std::string(16, '0');
  add_probes(record, model, task, threads);
  results::check(record);
  return record;
}

results::Record probed(const std::vector<std::string>& variants,
                       const TaskGiven& given = {"mqar", {{"vocab", 66}}}, int threads = 1, Index heads = 2) {
  Config options = Config::map();
  for (const auto& [name, value] : given.options) options.set(name, Config::integer(value));
  const TaskInfo& info = registry().task(given.name);
  return probed_on(*info.make(defaults(info, options), 3), variants, threads, heads);
}

// Four vectors with one label, as patches of an image: nothing, an answer, a distractor, an answer.
class MarkedVectors final : public Task, public LabelRelevanceTraits {
 public:
  explicit MarkedVectors(bool marks) : marks_(marks) {}
  TaskShape shape() const override {
    return {.input = {Stream::Kind::vectors, 3, 4},
            .classes = 2,
            .model = ModelType::encoder,
            .labels = Labels::per_sequence};
  }
  void fill(Split, std::uint64_t index, Example& example) const override {
    std::ranges::fill(example.input.vectors, static_cast<double>(index));
    example.labels[0] = 1;
  }
  bool marks_relevance() const override { return marks_; }
  void label_relevance(Split, std::uint64_t, std::span<Relevance> keys) const override {
    const Relevance all[] = {Relevance::none, Relevance::answer, Relevance::distractor, Relevance::answer};
    std::ranges::copy(all, keys.begin());
  }

 private:
  bool marks_;
};

std::vector<std::uint64_t> bits(const results::Record& record) {
  std::vector<std::uint64_t> all;
  for (const results::Metric& m : record.metrics) all.push_back(std::bit_cast<std::uint64_t>(m.value));
  for (const results::Array& a : record.arrays)
    for (const double x : std::get<std::vector<double>>(a.values))
      all.push_back(std::bit_cast<std::uint64_t>(x));
  return all;
}

const std::vector<std::string> kMeasures = {"entropy",        "on_answer", "on_distractors", "on_first",
                                            "effective_rank", "negative",  "head_divergence"};

}  // namespace

TEST_CASE("probes: every variant that has weights over time is probed") {
  const std::set<std::string> without = {"delta", "gated_delta", "gated_delta_2", "kda",       "lstm",
                                         "rnn",   "self",        "ssd",           "ttt_linear"};
  const std::set<std::string> with_signs = {"differential", "differential_v2", "fast_weights", "gla",
                                            "retention"};
  for (const VariantInfo& info : registry().variants()) {
    if (info.traits(defaults(info)).is_feed_forward() || without.contains(info.name)) continue;
    INFO(info.name);
    const results::Record record = probed({info.name});
    CHECK(record.metrics.size() == kMeasures.size());
    for (const std::string& measure : kMeasures) {
      CHECK(std::isfinite(metric(record, "attention_" + measure)));
      CHECK(array(record, measure).size() == 4);
    }
    if (!with_signs.contains(info.name)) CHECK(metric(record, "attention_negative") == 0);
    CHECK(metric(record, "attention_effective_rank") > 1);
  }
}

TEST_CASE("probes: an untrained softmax spreads its weights evenly") {
  // Scores are next to nothing at the start: weight 1/(i+1) on each key, log(i+1) of entropy.
  const results::Record record = probed({"softmax"}, {"induction", {{"length", 64}}});  // scored: the last
  CHECK(std::abs(metric(record, "attention_entropy") - std::log(64)) < 0.01);
  CHECK(std::abs(metric(record, "attention_on_answer") - 1.0 / 64) < 1e-3);
  CHECK(std::abs(metric(record, "attention_on_first") - 1.0 / 64) < 1e-3);
}

TEST_CASE("probes: a metric is the mean over the layers and heads that have weights") {
  const results::Record stack = probed({"self", "softmax"});
  for (const std::string& measure : kMeasures) {
    INFO(measure);
    const std::vector<double> each = array(stack, measure);
    CHECK((std::isnan(each[0]) && std::isnan(each[1])));
    CHECK((std::isfinite(each[2]) && std::isfinite(each[3])));
    CHECK(metric(stack, "attention_" + measure) == (each[2] + each[3]) / 2);
  }
}

TEST_CASE("probes: without weights, and of long sequences, there are metrics without a value") {
  for (const results::Record& record :
       {probed({"self"}), probed({"softmax"}, {"induction", {{"length", kLongestProbed + 1}}})}) {
    CHECK(record.arrays.empty());
    for (const std::string& measure : kMeasures) CHECK(std::isnan(metric(record, "attention_" + measure)));
  }
}

TEST_CASE("probes: above their own limits the effective rank and the divergence of heads are left out") {
  static_assert(kLongestRanked == kLongestCompared);
  const results::Record record = probed({"softmax"}, {"induction", {{"length", kLongestRanked + 1}}});
  CHECK(std::isnan(metric(record, "attention_effective_rank")));
  CHECK(std::isnan(metric(record, "attention_head_divergence")));
  CHECK(std::isfinite(metric(record, "attention_entropy")));
}

TEST_CASE("probes: identical heads have divergence 0, different heads do not") {
  // Uniform is the same map in each head. Softmax heads have weights of their own, drawn at random.
  CHECK(array(probed({"uniform"}), "head_divergence") == std::vector<double>(4, 0.0));
  for (const double divergence : array(probed({"softmax"}), "head_divergence")) CHECK(divergence > 0);
}

TEST_CASE("probes: the divergence of a head is its mean over the other heads of the layer") {
  // Two heads differ from each other equally. A single head has no other.
  const std::vector<double> two = array(probed({"softmax"}), "head_divergence");
  CHECK((two[0] == two[1] && two[2] == two[3] && two[0] != two[2]));
  const results::Record one = probed({"softmax"}, {"mqar", {{"vocab", 66}}}, 1, 1);
  CHECK(std::isnan(metric(one, "attention_head_divergence")));
  CHECK(std::isfinite(metric(one, "attention_entropy")));
}

TEST_CASE("probes: a task without relevant positions leaves their shares without a value") {
  const results::Record record = probed({"softmax"}, {"text", {{"length", 16}}});
  CHECK(std::isnan(metric(record, "attention_on_answer")));
  CHECK(std::isnan(metric(record, "attention_on_distractors")));
  CHECK(std::isfinite(metric(record, "attention_on_first")));
}

TEST_CASE("probes: all rows of a sequence with one label have the relevant positions that they can see") {
  const results::Record encoder = probed_on(MarkedVectors(true), {"uniform"});
  CHECK(metric(encoder, "attention_on_answer") == Approx((0 + 1.0 / 2 + 1.0 / 3 + 2.0 / 4) / 4));
  CHECK(metric(encoder, "attention_on_distractors") == Approx((0 + 0 + 1.0 / 3 + 1.0 / 4) / 4));
  CHECK(std::isfinite(metric(encoder, "attention_effective_rank")));
  // The first row of a decoder sees no answer, and the first two no distractor.
  const auto causal = for_model(std::make_unique<MarkedVectors>(true), ModelType::decoder);
  const results::Record decoder = probed_on(*causal, {"uniform"});
  CHECK(metric(decoder, "attention_on_answer") == Approx((1.0 / 2 + 1.0 / 3 + 2.0 / 4) / 3));
  CHECK(metric(decoder, "attention_on_distractors") == Approx((1.0 / 3 + 1.0 / 4) / 2));
}

TEST_CASE("probes: vectors without relevant positions have metrics without a value") {
  const results::Record record = probed_on(MarkedVectors(false), {"softmax"});
  CHECK(record.arrays.empty());
  for (const std::string& measure : kMeasures) CHECK(std::isnan(metric(record, "attention_" + measure)));
}

TEST_CASE("probes: the same bits for any number of threads") {
  for (const char* variant : {"softmax", "linear", "differential"}) {
    const TaskGiven task = {"mqar", {{"vocab", 130}, {"length", 128}}};
    CHECK(bits(probed({variant}, task, 1)) == bits(probed({variant}, task, 3)));
  }
}

TEST_CASE("probes: the probe sequences are the first of the test split, at most 2,048 tokens of them") {
  CHECK(probe_sequences(8) == 16);
  CHECK(probe_sequences(128) == 16);
  CHECK(probe_sequences(300) == 6);
  CHECK(probe_sequences(5000) == 1);
  const TaskInfo& info = registry().task("mqar");
  const auto task = info.make(defaults(info), 3);
  const ProbeBatch probe(*task, 3);
  Sequences third(*task, 1);
  third.fill(0, Split::test, 2);
  CHECK(std::ranges::equal(third.first(1).input.tokens, probe.tokens().subspan(128)));
  CHECK(std::ranges::equal(third.labels, probe.labels().subspan(128)));
}
