// Keys of a sweep file without effect in their setting.
#include "experiments/warnings/unused_keys.h"

#include <fstream>
#include <string>

#include "experiments/system/scratch_folder.h"
#include "experiments/warnings/unused_method.h"
#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

std::string warned(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Registry registry = builtin();
  const Planned p = planned(text, registry, overrides);
  return joined(unused_key_warnings(p.tree, p.sweep, registry));
}

std::string with(const std::string& more) {
  return warned("variants: [softmax, linear]\ntask: {name: mqar, length: 16, vocab: 32, pairs: 2}\n" + more +
                '\n');
}

// The warnings of a sweep whose budget has changed an option of one variant.
std::string fitted(const std::string& variants, const std::string& match, const std::string& changed) {
  Registry registry = builtin();
  Planned p = planned("variants: " + variants + "\ntask: mqar\ncompare: {match: " + match + "}\n", registry);
  for (PlannedTrial& t : p.sweep.trials)
    if (t.config.variant == changed) t.matched.option = "an option";
  return joined(unused_key_warnings(p.tree, p.sweep, registry));
}

std::string method_of(const std::string& train) {
  Registry registry = builtin();
  const Planned p = planned("variants: [softmax]\ntask: mqar\ntrain: " + train + '\n', registry);
  return joined(unused_method_warnings(p.sweep, registry));
}

}  // namespace

TEST_CASE("unused_key_warnings: a plain sweep has none") {
  CHECK(with("").empty());
  CHECK(with("train: {steps: 50, min_lr: 1e-5, warmup: 9, evaluate_every: 10, test_sequences: 64}\n"
             "sweep: {parameters: {train.lr: [0.1, 0.2]}}\ncompare: {reference: softmax, select: train.lr}")
            .empty());
}

TEST_CASE("unused_key_warnings: compare") {
  CHECK_THAT(with("compare: {match: {tolerance: 0.1}}"),
             ContainsSubstring("compare.match.tolerance has no effect without compare.match.budget"));
  CHECK_THAT(with("compare: {match: {reference: softmax}}"),
             ContainsSubstring("compare.match.reference has no effect"));
  CHECK_THAT(with("sweep: {parameters: {train.lr: [0.1]}}\ncompare: {select: train.lr}"),
             ContainsSubstring("compare.select has no effect: train.lr has one value"));
  CHECK_THAT(warned("variants: [softmax]\ntask: mqar\ncompare: {reference: softmax}\n"),
             ContainsSubstring("compare.reference has no effect"));
  CHECK(warned("variants: [softmax, linear]\ntask: mqar\ncompare: {reference: softmax}\n",
               {"variants=[softmax]"})
            .empty());
}

TEST_CASE("unused_key_warnings: every kind of parameter can be selected") {
  for (const char* swept :
       {"model.positions: [none, rope]", "model.positions: [{rope: {base: 9}}, {rope: {base: 99}}]",
        "model.feed_forward: [mlp, swiglu]", "model.feed_forward.mlp.width: [8, 16]", "model.heads: [1, 2]",
        "model.linear_bias: [true, false]", "model.head_bias: [true, false]", "train.lr: [0.1, 0.2]",
        "train.precision: [float32, bfloat16]", "train.optimizer: [adamw, sgd]",
        "train.optimizer: [{sgd: {momentum: 0}}, {sgd: {momentum: 0.9}}]", "train.schedule: [cosine, linear]",
        "train.dropout: [0, 0.1]"}) {
    CAPTURE(swept);
    const std::string text = swept, path = text.substr(0, text.find(':'));
    const std::string select = "compare: {select: " + path + "}";
    CHECK(with("sweep: {parameters: {" + text + "}}\n" + select).empty());
    const std::string own =
        "variants: [{softmax: , " + text + "}]\ntask: {name: mqar, length: 16, pairs: 2}\n";
    CHECK(warned(own + select + '\n').empty());
  }
  for (const char* one : {"model.positions: [rope]", "train.precision: [bfloat16]", "model.heads: [1]"}) {
    CAPTURE(one);
    const std::string text = one, path = text.substr(0, text.find(':'));
    CHECK_THAT(with("sweep: {parameters: {" + text + "}}\ncompare: {select: " + path + "}"),
               ContainsSubstring("compare.select has no effect: " + path + " has one value"));
  }
}

TEST_CASE("unused_key_warnings: a reference with a setting is compared with the other rows of its variant") {
  const auto one = [](const std::string& rates) {
    return warned("variants: [softmax]\ntask: mqar\nsweep: {parameters: {train.lr: " + rates +
                  "}}\ncompare: {reference: {variant: softmax, train.lr: 0.1}}\n");
  };
  CHECK(one("[0.1, 0.2]").empty());
  CHECK_THAT(one("[0.1]"), ContainsSubstring("compare.reference has no effect"));
}

TEST_CASE("unused_key_warnings: compare.match") {
  const std::string two = "[softmax, tokenformer]";
  CHECK(fitted(two, "{budget: parameters, adjust: {tokenformer: tokens}}", "tokenformer").empty());
  CHECK(fitted(two, "{budget: parameters, adjust: tokens}", "tokenformer").empty());
  CHECK(fitted(two, "{budget: parameters}", "").empty());
  CHECK_THAT(fitted("[softmax]", "{budget: parameters}", ""),
             ContainsSubstring("compare.match has no effect: the sweep has one variant"));
  CHECK_THAT(
      fitted(two, "{budget: parameters, adjust: {softmax: width, tokenformer: tokens}}", "tokenformer"),
      ContainsSubstring("compare.match.adjust (width) has no effect on softmax, which is the reference") &&
          !ContainsSubstring("on tokenformer"));
  CHECK_THAT(fitted(two, "{budget: parameters, adjust: nothing}", ""),
             ContainsSubstring("compare.match.adjust (nothing) has no effect on tokenformer, which meets"));
}

TEST_CASE("unused_method_warnings, unused_key_warnings: train") {
  CHECK_THAT(method_of("{steps: 20, warmup: 20, min_lr: 1e-4}"),
             ContainsSubstring("train.min_lr (0.0001) has no effect here"));
  CHECK_THAT(method_of("{steps: 1, beta1: 0.5}"), ContainsSubstring("train.beta1 (0.5) has no effect here"));
  CHECK_THAT(method_of("{steps: 20, lr: 0, weight_decay: 0.5}"),
             ContainsSubstring("train.weight_decay (0.5) has no effect here"));
  CHECK(method_of("{steps: 20, min_lr: 1e-4, beta1: 0.5, beta2: 0.9, eps: 1e-6, weight_decay: 0}").empty());
  CHECK(method_of("{optimizer: {sgd: {momentum: 0.9, nesterov: true}}, schedule: constant}").empty());
  CHECK_THAT(with("train: {steps: 20, evaluate_every: 30}"),
             ContainsSubstring("train.evaluate_every is larger than train.steps"));
  const std::string text = warned(
      "variants: [softmax]\ntask: text\ntrain: {test_sequences: 5, "
      "evaluate_sequences: 100000}\n");
  CHECK_THAT(text, ContainsSubstring("train.test_sequences has no effect"));
  CHECK_THAT(text, ContainsSubstring("train.evaluate_sequences has no effect"));
  CHECK_THAT(text, ContainsSubstring("the test takes the whole test part"));
  CHECK_THAT(
      warned("variants: [softmax]\ntask: {name: text, split: [0.9, 0.1, 0]}\ntrain: {test_sequences: 5}\n"),
      ContainsSubstring("train.test_sequences has no effect: the data have no test part.") &&
          !ContainsSubstring("whole test part"));
}

TEST_CASE("unused_key_warnings: what a variant brings itself") {
  CHECK_THAT(
      warned("variants: [softmax, tokenformer]\ntask: mqar\nmodel: {feed_forward: swiglu}\n"),
      ContainsSubstring("model.feed_forward (swiglu) has no effect on tokenformer, which brings pattention"));
  CHECK(warned("variants: [softmax, tokenformer]\ntask: mqar\n").empty());
  CHECK(warned("variants: [softmax, tokenformer]\ntask: mqar\nmodel: {feed_forward: mlp}\n").empty());
  CHECK_THAT(
      warned("variants: [{grow: [{tokenformer: {tokens: 8}, steps: 9}, {tokenformer: {tokens: 16}, steps: "
             "9}]}]\ntask: mqar\ntrain: {steps: 500}\n"),
      ContainsSubstring("train.steps has no effect"));
}

TEST_CASE("unused_key_warnings: options of a task") {
  // One slot, which is always taken, whatever the power law.
  CHECK_THAT(warned("variants: [softmax]\ntask: {name: mqar, length: 4, vocab: 8, pairs: 1, power: 3}\n"),
             ContainsSubstring("task.power (3) has no effect here"));
  CHECK(warned("variants: [softmax]\ntask: {name: mqar, length: 16, vocab: 32, pairs: 2, power: 3, filler: "
               "random}\n")
            .empty());
  CHECK(warned("variants: [softmax]\ntask: {name: recall, noise: 0.01, noise_vocab: 4, labels: recalled}\n")
            .empty());
}

TEST_CASE("unused_key_warnings: every option of every task has an effect") {
  for (const char* task :
       {"{name: mqar, length: 16, vocab: 32, pairs: 2}", "{name: mqar, power: 1}",
        "{name: mqar, filler: random}",
        "{name: recall, length: 32, vocab: 24, noise_vocab: 8, noise: 0.3, labels: recalled}",
        "{name: noisy_recall, length: 32, vocab: 24, noise_vocab: 8, noise: 0.3, labels: recalled}",
        "{name: copy, length: 32, vocab: 9, tokens: 8}",
        "{name: selective_copy, length: 32, vocab: 9, tokens: 8}",
        "{name: induction, length: 16, vocab: 9, score: all}",
        "{name: text, length: 16, split: [0.8, 0.1, 0.1]}"}) {
    CAPTURE(task);
    CHECK(warned(std::string("variants: [softmax]\ntask: ") + task + '\n').empty());
  }
}

TEST_CASE(
    "unused_key_warnings: the orders in which training reads have an effect, though the sequences are the "
    "same") {
  const auto of = [](const std::string& order) {
    return warned("variants: [softmax]\ntask: {name: text, length: 16, " + order + "}\n");
  };
  CHECK(of("order: random").empty());
  CHECK(of("order: annealed, anneal: [0.1, 0.2]").empty());
}

TEST_CASE("unused_key_warnings: an option of a task has an effect where its default is refused") {
  const heed::ScratchFolder folder("heed-test");
  const std::string path = (folder.path() / "a.txt").string();
  std::ofstream file(path);
  for (int i = 0; i < 2000; ++i) file << i % 7 << ": the quick brown fox " << i << " jumps\n";
  file.close();
  const std::string rows =
      warned("variants: [softmax]\ntask: {name: needle, length: 32, path: " + path +
             "}\nsweep: {parameters: {task.filler: [random, text], task.filler_vocab: [16, 32]}}\n");
  CHECK_THAT(rows, !ContainsSubstring("task.path"));
  CHECK_THAT(rows, ContainsSubstring("the rows of filler=text filler_vocab=16 and of filler=text "
                                     "filler_vocab=32 have the same data.") &&
                       !ContainsSubstring("filler=random"));
  CHECK_THAT(warned("variants: [softmax]\ntask: {name: needle, length: 32, path: " + path + "}\n"),
             ContainsSubstring("task.path"));
}
