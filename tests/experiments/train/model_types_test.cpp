// Trials of every type of model, from the text of a sweep file to the record.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/train/checkpoint.h"
#include "experiments/train/predictions.h"
#include "experiments/train/probe_batch.h"
#include "experiments/train/probes.h"
#include "experiments/train/train.h"
#include "experiments/train/trial.h"
#include "experiments/trial/estimate.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;

const Registry& registry() {
  static const Registry filled = heed::test::builtin();
  return filled;
}

// Small trials of a sweep file with these variants and lines.
std::vector<TrialConfig> trials_of(const std::string& variants, const std::string& lines,
                                   const std::string& model = "") {
  Registry own = registry();
  Problems problems;
  const std::string text =
      "variants: [" + variants + "]\nmodel: {layers: 2, heads: 2, dim: 12" + (model.empty() ? "" : ", ") +
      model +
      "}\ntrain: {steps: 9, batch: 4, evaluate_every: 4, evaluate_sequences: 6, test_sequences: 20}\n" +
      lines;
  const auto file = parse_sweep_file(text, "f.yaml", {}, own, problems);
  std::vector<TrialConfig> out;
  if (file)
    for (const PlannedTrial& t : read_sweep(file->tree, "f", own, problems).trials) out.push_back(t.config);
  for (const std::string& line : problems.lines()) FAIL(line);
  return out;
}

const std::string kTranslation = "task: {name: translation, length: 10, nouns: 3, adjectives: 2, verbs: 4}\n";

struct Type {
  std::string name, variant, lines, model;
};
const std::vector<Type> kTypes = {
    {"encoder-decoder", "softmax", kTranslation, ""},
    {"encoder-decoder with other places", "gated_delta", kTranslation, "cross_attention: linear"},
    {"decoder with a source", "softmax", kTranslation, "type: decoder"},
    {"encoder", "linear", "task: {name: parity, length: 12}\n", "type: encoder"},
    {"encoder-decoder that grows",
     "{grow: [{tokenformer: {tokens: 6}, steps: 4}, {tokenformer: {tokens: 9}}]}", kTranslation, ""}};

results::Record run(const TrialConfig& trial, int threads = 1) {
  const auto record = run_trial(trial, registry(), threads, {});
  REQUIRE(record);
  results::check(*record);
  return *record;
}

std::map<std::string, double> metrics_of(const results::Record& record) {
  std::map<std::string, double> out;
  for (const results::Metric& m : record.metrics)
    if (!m.varies) out[m.name] = m.value;
  return out;
}

const results::Array* find_array(const results::Record& record, const std::string& group,
                                 const std::string& name) {
  for (const results::Array& a : record.arrays)
    if (a.group == group && a.name == name) return &a;
  return nullptr;
}

std::vector<std::uint64_t> bits(const results::Record& record) {
  std::vector<std::uint64_t> out;
  for (const auto& [name, value] : metrics_of(record)) out.push_back(std::bit_cast<std::uint64_t>(value));
  for (const results::Curve& c : record.curves)
    for (const double x : c.values) out.push_back(std::bit_cast<std::uint64_t>(x));
  return out;
}

}  // namespace

TEST_CASE("model types: a trial of each type ends with its metrics, the same for any number of threads") {
  for (const Type& type : kTypes) {
    CAPTURE(type.name);
    const TrialConfig trial = trials_of(type.variant, type.lines, type.model).at(0);
    const results::Record record = run(trial);
    CHECK(record.status == results::Status::done);
    const auto metrics = metrics_of(record);
    for (const char* name : {"test_loss", "test_accuracy", "final_validation_loss", "forward_flops"})
      CHECK(std::isfinite(metrics.at(name)));
    const auto recorded = std::ranges::find(record.parameters, "model.type", &results::Parameter::name);
    REQUIRE(recorded != record.parameters.end());
    CHECK(std::get<std::string>(recorded->value) == to_string(trial.type));
    CHECK(bits(record) == bits(run(trial, 3)));
  }
}

TEST_CASE("model types: the planned cost and size of each type are those that its trial records") {
  Estimator estimate(registry());
  for (const Type& type : kTypes) {
    CAPTURE(type.name);
    const TrialConfig trial = trials_of(type.variant, type.lines, type.model).at(0);
    const Estimate e = estimate(trial);
    const auto metrics = metrics_of(run(trial));
    CHECK(metrics.at("parameters") == static_cast<double>(e.parameters));
    CHECK(metrics.at("forward_flops") == e.forward_flops);
    CHECK(metrics.at("training_flops") == Approx(e.training_flops));
    CHECK(metrics.at("state_bytes") == e.state_bytes);
    CHECK(e.memory_bytes > 12.0 * static_cast<double>(e.parameters));
  }
}

TEST_CASE("model types: a training that was left and continued has the same bits, in each type") {
  const heed::test::TempFolder folder;
  for (const Type& type : kTypes) {
    CAPTURE(type.name);
    const TrialConfig trial = trials_of(type.variant, type.lines, type.model).at(0);
    const std::string id = trial_id(trial);
    const results::Record whole = run(trial);
    for (const Index stop : {1, 4, 6}) {
      Checkpoints checkpoints(folder / id, id);
      TrainHooks hooks;
      hooks.resume = [&]() -> std::optional<SavedState> {
        std::vector<std::string> notes;
        return checkpoints.load(notes);
      };
      bool left = false;
      hooks.leave = [&](const TrainState& state) {
        if (left || state.log.steps != stop) return false;
        checkpoints.save(state);
        return left = true;
      };
      REQUIRE_FALSE(run_trial(trial, registry(), 1, hooks));
      const auto continued = run_trial(trial, registry(), 1, hooks);
      REQUIRE(continued);
      CHECK(bits(*continued) == bits(whole));
      checkpoints.remove();
    }
  }
}

TEST_CASE(
    "model types: every variant trains as an encoder-decoder, and as an encoder if it is bidirectional") {
  Index encoders = 0;
  for (const std::string& variant : variant_names(registry(), true)) {
    CAPTURE(variant);
    const results::Record record = run(trials_of(variant, kTranslation).at(0));
    CHECK(record.status == results::Status::done);
    const VariantInfo& info = registry().variant(variant);
    if (!info.traits(heed::test::defaults(info)).bidirectional) continue;
    ++encoders;
    CHECK(run(trials_of(variant, "task: {name: parity}\n", "type: encoder").at(0)).status ==
          results::Status::done);
  }
  CHECK(encoders >= 8);
}

TEST_CASE("model types: a model that grows computes the same function in every place") {
  const auto metrics = metrics_of(run(trials_of(kTypes.back().variant, kTranslation).at(0)));
  CHECK(metrics.at("growth_difference") < 1e-5);
}

TEST_CASE("model types: longer sources and targets are tested with positions that allow them") {
  const std::string lines = "task: {name: translation, length: 10, test_lengths: [9, 10, 20]}\n";
  for (const char* model : {"positions: sinusoidal", "positions: rope, type: decoder"}) {
    const results::Record record = run(trials_of("softmax", lines, model).at(0));
    const results::Curve& accuracy = record.curves.back();
    CHECK(accuracy.name == "test_accuracy_by_length");
    CHECK(accuracy.values.at(1) == metrics_of(record).at("test_accuracy"));
    for (const double a : accuracy.values) CHECK((a >= 0 && a <= 1));
  }
}

TEST_CASE("model types: an encoder-decoder is probed in every place") {
  const TrialConfig trial = trials_of("softmax", kTranslation).at(0);
  const auto task = task_of(trial, registry());
  SizedModel untrained(model_spec(trial, *task), registry(), trial.seed);
  results::Record record;
  record.id = std::string(16, '0');
  add_probes(record, untrained.model, *task, 1);
  results::check(record);
  const auto metrics = metrics_of(record);

  // Scores are next to nothing at the start: 1/n on each of n tokens of a source.
  const ProbeBatch probe(*task, 16);
  double share = 0, entropy = 0, rows = 0, ends = 0, encoder = 0, encoder_rows = 0;
  for (Index b = 0; b < probe.sequences(); ++b) {
    const Batch example = probe.batch().part(b, 1);
    const double n = static_cast<double>(example.source.length(0)),
                 labels = static_cast<double>(example.input.length(0));
    share += (labels - 1) / n, rows += labels - 1;  // the end has no answer
    entropy += labels * std::log(n), ends += labels;
    encoder += n * std::log(n), encoder_rows += n;
  }
  CHECK(metrics.at("cross_attention_on_answer") == Approx(share / rows).epsilon(0.01));
  CHECK(metrics.at("cross_attention_entropy") == Approx(entropy / ends).epsilon(0.01));
  CHECK(metrics.at("encoder_attention_entropy") == Approx(encoder / encoder_rows).epsilon(0.01));
  CHECK(metrics.at("attention_entropy") < metrics.at("cross_attention_entropy") + 1);
  CHECK(std::isnan(metrics.at("encoder_attention_on_answer")));
  for (const char* name : {"entropy", "encoder_attention_entropy", "cross_attention_entropy"})
    CHECK(find_array(record, "probes", name)->shape == std::vector<std::size_t>{2, 2});
}

TEST_CASE("model types: a place without weights is not in the probes, and others are") {
  const results::Record record = run(trials_of("lstm", kTranslation).at(0));
  CHECK(std::isnan(metrics_of(record).at("attention_entropy")));
  CHECK(std::isfinite(metrics_of(record).at("cross_attention_entropy")));
  CHECK_FALSE(find_array(record, "probes", "entropy"));
  CHECK(find_array(record, "probes", "cross_attention_entropy"));
}

TEST_CASE(
    "model types: saved maps of encoder, decoder and cross-attention have the lengths of their streams") {
  const TrialConfig trial = trials_of("softmax", kTranslation + "save: [attention, logits]\n").at(0);
  const results::Record record = run(trial);
  const TaskShape shape = task_of(trial, registry())->shape();
  const auto queries = static_cast<std::size_t>(shape.input.length),
             keys = static_cast<std::size_t>(shape.source.length);
  const results::Array *self = find_array(record, "attention", "weights"),
                       *encoder = find_array(record, "attention", "encoder_weights"),
                       *cross = find_array(record, "attention", "cross_weights"),
                       *source = find_array(record, "attention", "source");
  REQUIRE((self && encoder && cross && source));
  const std::size_t n = self->shape[0];
  CHECK(self->shape == std::vector<std::size_t>{n, 2, 2, queries, queries});
  CHECK(encoder->shape == std::vector<std::size_t>{n, 2, 2, keys, keys});
  CHECK(cross->shape == std::vector<std::size_t>{n, 2, 2, queries, keys});
  CHECK(source->shape == std::vector<std::size_t>{n, keys});
  // Each row of a real query sums to 1 over the real tokens of the source; the others are NaN.
  const ProbeBatch probe(*task_of(trial, registry()), static_cast<Index>(n));
  const auto& weights = std::get<std::vector<float>>(cross->values);
  for (std::size_t b = 0; b < n; ++b) {
    const Batch example = probe.batch().part(static_cast<Index>(b), 1);
    for (std::size_t q = 0; q < queries; ++q) {
      const float* row = weights.data() + (b * 4 * queries + q) * keys;
      double sum = 0;
      std::size_t finite = 0;
      for (std::size_t k = 0; k < keys; ++k)
        if (std::isfinite(row[k])) sum += row[k], ++finite;
      const bool real = static_cast<Index>(q) < example.input.length(0);
      REQUIRE(finite == (real ? static_cast<std::size_t>(example.source.length(0)) : 0));
      if (real) REQUIRE(sum == Approx(1).epsilon(1e-5));
    }
  }
}

TEST_CASE("predictions: greedy decoding finds exactly the targets that sequence_accuracy counts") {
  for (const char* model : {"", "type: decoder"}) {
    CAPTURE(model);
    TrialConfig trial = trials_of("softmax",
                                  "task: {name: translation, length: 9, nouns: 2, adjectives: 1, verbs: 2}\n"
                                  "save: [predictions]\n",
                                  model)
                            .at(0);
    trial.model.dim = 24, trial.train.lr = 0.005;
    trial.train.steps = 250, trial.train.batch = 16, trial.train.test_sequences = 90;
    const results::Record record = run(trial);
    const results::Array *decoded = find_array(record, "predictions", "decoded"),
                         *target = find_array(record, "predictions", "target"),
                         *source = find_array(record, "predictions", "source");
    REQUIRE((decoded && target && source));
    const auto row = [](const results::Array& a, std::size_t i) {
      const auto& all = std::get<std::vector<std::int64_t>>(a.values);
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * a.shape[1]);
      std::vector<std::int64_t> out(begin, begin + static_cast<std::ptrdiff_t>(a.shape[1]));
      std::erase(out, -1);
      return out;
    };
    REQUIRE(decoded->shape[0] == 90);
    const auto own = registry().task("translation").make(trial.task.options, trial.seed);
    Sequences one(*own, 1);
    Index found = 0;
    for (std::size_t i = 0; i < 90; ++i) {
      one.fill(0, Split::test, i);
      const Batch example = one.first(1);
      const auto words = example.source.tokens.first(static_cast<std::size_t>(example.source.length(0)));
      const auto labels = example.labels.first(static_cast<std::size_t>(example.input.length(0)));
      REQUIRE(std::ranges::equal(row(*source, i), words));
      REQUIRE(std::ranges::equal(row(*target, i), labels));
      found += row(*decoded, i) == row(*target, i);
    }
    CHECK(found > 0);
    CHECK(metrics_of(record).at("sequence_accuracy") == Approx(static_cast<double>(found) / 90));
    CHECK(metrics_of(record).at("sequence_accuracy") <= metrics_of(record).at("test_accuracy"));
  }
}

TEST_CASE("predictions: an encoder-decoder that decodes token by token finds what repeated passes find") {
  for (const char* model : {"", "cross_attention: linear", "cross_attention: differential"}) {
    CAPTURE(model);
    TrialConfig trial = trials_of("softmax", kTranslation, model).at(0);
    const auto task = task_of(trial, registry());
    SizedModel untrained(model_spec(trial, *task), registry(), trial.seed);
    for (float& value : untrained.params.values()) value *= 6;  // or all predictions are alike
    Step<float> step(1, false);
    constexpr Index kExamples = 40;
    const std::vector<Prediction> found =
        decode_greedily(untrained.model, step, *task, Split::test, 0, kExamples);
    Sequences one(*task, 1);
    std::set<std::vector<Token>> different;
    for (Index i = 0; i < kExamples; ++i) {
      one.fill(0, Split::test, static_cast<std::uint64_t>(i));
      Batch example = one.first(1);
      const Index time = example.input.time;
      const Token end = example.labels[static_cast<std::size_t>(example.input.length(0) - 1)];
      std::vector<Token> input = {example.input.tokens.front()};
      for (bool done = false; !done;) {
        const Index length = std::ssize(input);
        std::vector<Token> padded = input, labels(static_cast<std::size_t>(time), kUnscored), next(1);
        padded.resize(static_cast<std::size_t>(time));
        labels[static_cast<std::size_t>(length - 1)] = 0;
        example.input.tokens = padded, example.input.lengths = std::span(&length, 1), example.labels = labels;
        untrained.model.evaluate(step, example, next);
        input.push_back(next.front());
        done = next.front() == end || length == time;
      }
      const std::vector<Token> expected(input.begin() + 1, input.end());
      CHECK(found[static_cast<std::size_t>(i)].decoded == expected);
      different.insert(expected);
    }
    CHECK(different.size() > 3);
  }
}

TEST_CASE("predictions: a model that never ends a target stops when there is no more room") {
  const TrialConfig trial = trials_of("softmax", kTranslation).at(0);
  const auto task = task_of(trial, registry());
  SizedModel untrained(model_spec(trial, *task), registry(), trial.seed);
  Step<float> step(1, false);
  for (const Prediction& p : decode_greedily(untrained.model, step, *task, Split::test, 0, 5)) {
    CHECK(std::ssize(p.decoded) <= task->shape().input.length);
    CHECK((p.decoded.back() == 1 || std::ssize(p.decoded) == task->shape().input.length));
  }
}
