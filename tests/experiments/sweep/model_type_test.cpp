// Types of models in sweep files: what is chosen, and what is said where a combination is wrong.
#include <memory>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/message.h"

using namespace heed;
using heed::test::missing;

namespace {

// One label for a sequence of tokens.
class Majority final : public Task {
 public:
  using Options = NoOptions;
  Majority(const Options&, std::uint64_t) {}
  TaskShape shape() const override {
    TaskShape shape = token_shape(2, 9, ModelType::encoder);
    shape.labels = Labels::per_sequence;
    return shape;
  }
  void fill(Split, std::uint64_t index, Example& example) const override {
    std::fill(example.input.tokens.begin(), example.input.tokens.end(), index % 2);
    example.labels[0] = static_cast<Token>(index % 2);
  }
};

const Registry& registry() {
  static const Registry filled = [] {
    Registry r = heed::test::builtin();
    r.add_task<Majority>("majority", {"more ones than zeros?"});
    return r;
  }();
  return filled;
}

Sweep read(const std::string& text, Problems& problems) {
  Registry own = registry();
  const auto file = parse_sweep_file(text, "f.yaml", {}, own, problems);
  return file ? read_sweep(file->tree, "f", own, problems) : Sweep{};
}

std::string wrong(const std::string& text) {
  Problems problems;
  read(text, problems);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

std::vector<PlannedTrial> good(const std::string& text) {
  Problems problems;
  Sweep sweep = read(text, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return sweep.trials;
}

std::string names(const std::vector<Choice>& attention) {
  std::string out;
  for (const Choice& c : attention) out += (out.empty() ? "" : " ") + c.name;
  return out;
}

const std::string kTranslate = "task: {name: translation}\n";

// "variants: [VARIANT]" and `model` for a task.
std::string file(const std::string& variant, const std::string& task, const std::string& model = "{}") {
  return "variants: [" + variant + "]\ntask: {name: " + task + "}\nmodel: " + model + "\n";
}

}  // namespace

TEST_CASE("model type: an encoder-decoder has the variant wherever it is supported, and softmax elsewhere") {
  struct Expected {
    std::string variant, encoder, cross;
  };
  for (const Expected& e : {Expected{"softmax", "softmax", "softmax"},
                            {"linear", "linear", "linear"},
                            {"differential", "differential", "differential"},
                            {"bigbird", "bigbird", "softmax"},
                            {"gated_delta", "softmax", "softmax"},
                            {"stack: [window, bigbird]", "window bigbird", "window softmax"},
                            {"stack: [delta, lstm]", "softmax", "softmax"}}) {
    CAPTURE(e.variant);
    const std::string entry = e.variant.starts_with("stack") ? "{" + e.variant + "}" : e.variant;
    const auto trials = good(file(entry, "translation"));
    REQUIRE(trials.size() == 1);
    const TrialConfig& trial = trials[0].config;
    CHECK(trial.type == ModelType::encoder_decoder);
    CHECK(names(trial.encoder_attention) == e.encoder);
    CHECK(names(trial.cross_attention) == e.cross);
  }
}

TEST_CASE("model type: options of a variant hold in every place") {
  const auto trials = good(file("{window: {size: 3}}", "translation"));
  for (const auto* place :
       {&trials[0].config.attention, &trials[0].config.encoder_attention, &trials[0].config.cross_attention})
    CHECK(place->at(0).options.find("size")->text() == "3");
}

TEST_CASE("model type: model.encoder_attention and model.cross_attention override the variant") {
  const auto trials = good(file("differential, gated_delta", "translation",
                                "{encoder_attention: {window: {size: 4}}, cross_attention: linear}"));
  REQUIRE(trials.size() == 2);
  for (const PlannedTrial& t : trials) {
    CHECK(names(t.config.encoder_attention) == "window");
    CHECK(t.config.encoder_attention[0].options.find("size")->text() == "4");
    CHECK(names(t.config.cross_attention) == "linear");
  }
}

TEST_CASE("model type: a sweep varies type and places, and each is another trial") {
  const auto types = good("variants: [softmax]\n" + kTranslate +
                          "sweep: {parameters: {model.type: [decoder, encoder_decoder]}}\n");
  REQUIRE(types.size() == 2);
  CHECK(types[0].config.type == ModelType::decoder);
  CHECK(types[1].config.type == ModelType::encoder_decoder);
  CHECK(types[0].id != types[1].id);
  CHECK(types[0].setting == "type=decoder");
  CHECK(task_of(types[0].config, registry())->shape().source.kind == Stream::Kind::none);

  const auto places = good("variants: [softmax, linear]\n" + kTranslate +
                           "sweep: {parameters: {model.cross_attention: [softmax, linear]}}\n");
  REQUIRE(places.size() == 4);
  CHECK(places[0].setting == "cross_attention=softmax");
  CHECK(places[0].id != places[2].id);
}

TEST_CASE("model type: a trial's configuration contains its type, pool and places") {
  for (const std::string& text :
       {file("{stack: [window, bigbird]}", "translation"), file("softmax", "translation", "{type: decoder}"),
        file("softmax", "majority", "{pool: first, head_bias: true}"),
        file("{grow: [{tokenformer: {tokens: 16}, steps: 5}, {tokenformer: {tokens: 32}}]}",
             "translation")}) {
    const auto trials = good(text);
    REQUIRE(trials.size() == 1);
    const Config config = to_config(trials[0].config);
    const TrialConfig again = trial_from_config(config);
    CHECK(to_config(again).canonical() == config.canonical());
    CHECK(again.type == trials[0].config.type);
    CHECK(again.pool == trials[0].config.pool);
    CHECK(trial_id(again) == trials[0].id);
  }
}

TEST_CASE("model type: trials of decoders have the ids that they had before there were other types") {
  const auto trials = good("variants: [softmax]\ntask: {name: mqar}\n");
  const Config config = to_config(trials[0].config);
  REQUIRE(config.find_path("model.type"));
  CHECK(config.find_path("model.type")->text() == "decoder");
  CHECK(trials[0].id == "6245de53226569ca");
  // A configuration that was written before has no type.
  Config older = config;
  older.find("model")->erase("type");
  CHECK(trial_id(trial_from_config(older)) == trials[0].id);
}

TEST_CASE("model type: stages of a growth have their own size in every place") {
  const auto trials = good(
      file("{grow: [{tokenformer: {tokens: 16}, steps: 5}, {tokenformer: {tokens: 32}}]}", "translation"));
  const auto task = task_of(trials[0].config, registry());
  const std::vector<Stage> stages = stages_of(trials[0].config, *task);
  REQUIRE(stages.size() == 2);
  const auto tokens = [](const std::vector<Choice>& place) {
    return place.at(0).options.find("tokens")->text();
  };
  CHECK(tokens(stages[0].model.cross_attention) == "16");
  CHECK(tokens(stages[1].model.cross_attention) == "32");
  CHECK(tokens(stages[0].model.encoder_attention) == "16");
}

TEST_CASE("model type: an encoder with one label per sequence is pooled, a decoder is scored at its end") {
  const auto pool = [](const std::string& model) {
    return good(file("softmax", "majority", model))[0].config.pool;
  };
  CHECK(pool("{}") == Pool::mean);
  CHECK(pool("{pool: first}") == Pool::first);
  CHECK(pool("{type: decoder}") == Pool::last);
  CHECK(pool("{type: decoder, pool: last}") == Pool::last);
}

TEST_CASE("model type: wrong combinations have a message with place, reason and remedy") {
  CHECK(missing(wrong(file("softmax", "mqar", "{type: transformer}")),
                {"f.yaml:3:15: model.type:", "decoder or encoder or encoder_decoder", "'transformer'"}) ==
        "");
  CHECK(missing(wrong(file("softmax", "mqar", "{type: [decoder, encoder]}")),
                {"f.yaml:3:15: model.type:", "sweep: {parameters: {model.type: [decoder, encoder]}}"}) == "");
  CHECK(missing(wrong(file("softmax", "mqar", "{type: encoder_decoder}")),
                {"f.yaml:3:15: model.type:", "'mqar' cannot train a model of type 'encoder_decoder'",
                 "because it has no source and target; it can train: decoder, encoder. Remove model.type to "
                 "train a decoder."}) == "");
  CHECK(missing(wrong(file("softmax", "recall", "{type: encoder}")),
                {"f.yaml:3:15: model.type:", "'recall'",
                 "an encoder would see the tokens that it must predict", "it can train: decoder."}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{type: encoder}")),
                {"f.yaml:3:15: model.type:", "it can train: decoder, encoder_decoder."}) == "");
  CHECK(missing(wrong(file("strided", "mqar", "{type: encoder}")),
                {"f.yaml:1:12: variants[0].strided:",
                 "'strided' has only a causal form; model.type: encoder needs attention that sees the whole "
                 "sequence. Use another variant, such as softmax, or remove model.type (the task 'mqar' "
                 "trains a decoder)."}) == "");
  for (const char* variant : {"lstm", "ttt_linear"})
    CHECK(missing(wrong(file(variant, "mqar", "{type: encoder}")),
                  {"f.yaml:1:12: variants[0]", "has only a causal form; model.type: encoder needs",
                   "or remove model.type"}) == "");
  CHECK(missing(wrong(file("lstm", "listops")),
                {"f.yaml:1:12: variants[0].lstm:",
                 "'lstm' has only a causal form; the task 'listops' needs attention that sees the whole "
                 "sequence. Use another variant, such as softmax, or set model.type: decoder."}) == "");
  CHECK(wrong(file("lstm", "listops", "{type: decoder}")).empty());
  CHECK(missing(wrong(file("{stack: [softmax, gated_delta]}", "majority")),
                {"f.yaml:1:13: variants[0].stack:", "'gated_delta' has only a causal form", "'majority'"}) ==
        "");
  CHECK(missing(wrong(file("softmax", "mqar", "{pool: mean}")),
                {"f.yaml:3:15: model.pool:", "no effect", "'mqar' has a label at each position"}) == "");
  CHECK(missing(wrong(file("softmax", "majority", "{pool: max}")),
                {"f.yaml:3:15: model.pool:", "mean or first or last", "'max'"}) == "");
  CHECK(missing(wrong(file("softmax", "majority", "{pool: mean, type: decoder}")),
                {"f.yaml:3:15: model.pool:", "a decoder is scored at its last position",
                 "Remove it, or use model.type: encoder."}) == "");
  CHECK(missing(wrong(file("softmax", "mqar", "{encoder_attention: softmax}")),
                {"f.yaml:3:28: model.encoder_attention:", "only an encoder_decoder has it", "a decoder here",
                 "Remove it."}) == "");
  CHECK(missing(wrong(file("softmax", "majority", "{cross_attention: softmax}")),
                {"f.yaml:3:26: model.cross_attention:", "an encoder here"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{type: decoder, cross_attention: softmax}")),
                {"f.yaml:3:41: model.cross_attention:", "a decoder here"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{encoder_attention: strided}")),
                {"f.yaml:3:28: model.encoder_attention:", "'strided' has only a causal form",
                 "Use another variant, such as softmax, or remove the key."}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: bigbird}")),
                {"f.yaml:3:26: model.cross_attention:", "'bigbird' cannot attend to another sequence"}) ==
        "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: softmaks}")),
                {"f.yaml:3:26: model.cross_attention:", "Did you mean 'softmax'?"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: mlp}")),
                {"f.yaml:3:26: model.cross_attention:", "'mlp' is a feed-forward"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: none}")),
                {"f.yaml:3:26: model.cross_attention:", "unknown attention variant 'none'"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: {window: {siez: 2}}}")),
                {"f.yaml:3:36: model.cross_attention.window.siez:", "Did you mean 'size'?"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_attention: [softmax, linear]}")),
                {"f.yaml:3:26: model.cross_attention:", "sweep: {parameters:"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{cross_atention: softmax}")),
                {"f.yaml:3:9: model.cross_atention:", "Did you mean 'cross_attention'?"}) == "");
  CHECK_THAT(wrong("variants: [softmax]\ntask: {name: mqar}\n"
                   "sweep: {parameters: {model.cross_attention: [softmax, linear]}}\n"),
             ContainsSubstring("f.yaml:3:46: model.cross_attention: only an encoder_decoder has it"));
  CHECK(missing(wrong(file("softmax", "mqar") + "save: [predictions]\n"),
                {"f.yaml:2:7: save: predictions", "'mqar' has none", "Remove it"}) == "");
  CHECK(missing(wrong(file("softmax", "mqar") + "save: [prediction]\n"),
                {"f.yaml:4:8: save: unknown value 'prediction'", "Did you mean 'predictions'?"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{tied: true, dim: 64, heads: 3}")),
                {"f.yaml:3:37: model.heads:", "does not divide"}) == "");
  CHECK(missing(wrong(file("softmax", "translation", "{heads: 3, dim: 64}")),
                {"f.yaml:3:16: model.heads:", "does not divide"}) == "");
}
