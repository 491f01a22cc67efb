// Variants, tasks, models and metrics that do not go together, with heed's own variants and tasks: each
// message has place, key, reason and remedy.
#include <fstream>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/system/scratch_folder.h"
#include "experiments/trial/metrics.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/message.h"

namespace {

using heed::Problems;
using heed::test::builtin;

struct Mistake {
  std::string text;
  std::vector<std::string> parts;  // of the message; it begins with the first
};

std::string wrong(const std::string& text) {
  heed::Registry registry = builtin();
  Problems problems;
  const auto file = parse_sweep_file(text, "f.yaml", {}, registry, problems);
  if (file) read_sweep(file->tree, "f", registry, problems);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

// Files with the lines `variants`, `task` and, if it is not empty, a third one.
std::string file(const std::string& variants, const std::string& task, const std::string& third = "") {
  return "variants: [" + variants + "]\ntask: " + task + '\n' + (third.empty() ? "" : third + '\n');
}

void check(const std::vector<Mistake>& mistakes) {
  for (const Mistake& m : mistakes) {
    INFO(m.text);
    CHECK(heed::test::missing(wrong(m.text), m.parts) == "");
  }
}

}  // namespace

TEST_CASE("mistakes: trials on several ranks whose model or settings need whole sequences") {
  const std::string ranks = "train: {context_parallel: 4";
  check({
      {file("delta", "mqar", ranks + "}"),
       {"f.yaml:1:12: variants[0].delta: train.context_parallel: 'delta' with its options needs whole "
        "sequences"}},
      {file("softmax", "listops", ranks + "}"),
       {"f.yaml:1:12: variants[0].softmax: train.context_parallel: a task with one label per sequence"}},
      {file("softmax", "translation", ranks + "}"),
       {"f.yaml:1:12: variants[0].softmax: train.context_parallel: a model of two sequences"}},
      {file("softmax", "mqar", ranks + ", dropout: 0.1}"),
       {"f.yaml:3:27: train.context_parallel: dropout needs whole sequences: set dropout to 0"}},
      {file("softmax", "{name: mqar, test_lengths: [32]}", ranks + "}"),
       {"f.yaml:1:12: variants[0].softmax: test_lengths are tested on one rank: remove it, or "
        "train.context_parallel."}},
      {file("softmax", "mqar", ranks + "}\nsave: [attention]"),
       {"f.yaml:1:12: variants[0].softmax: save: attention needs whole sequences: remove it, or "
        "train.context_parallel."}},
      {file("softmax", "{name: parity, length: 3}", ranks + "}"),
       {"f.yaml:1:12: variants[0].softmax: train.context_parallel is 4, and a sequence has 3 positions"}},
      {file("softmax", "mqar", "train: {context_parallel: 0}"), {"f.yaml:3", "context_parallel", "1"}},
  });
}

TEST_CASE("mistakes: a variant that has only a causal form where the whole sequence is seen") {
  check({
      {file("ssd", "listops"),
       {"f.yaml:1:12: variants[0].ssd: 'ssd' has only a causal form", "'listops'",
        "or set model.type: decoder."}},
      {file("softmax, gated_delta", "listops"), {"f.yaml:1:21: variants[1].gated_delta:", "'listops'"}},
      {file("rnn", "{name: masked_text, length: 16}"),
       {"f.yaml:1:12: variants[0].rnn:", "'masked_text' needs attention that sees the whole sequence",
        "Use another variant, such as softmax."}},
      {file("knn_memory", "masked_text"), {"f.yaml:1:12: variants[0].knn_memory:", "only a causal form"}},
      {file("softmax", "translation", "model: {encoder_attention: gated_delta}"),
       {"f.yaml:3:28: model.encoder_attention: 'gated_delta' has only a causal form", "or remove the key."}},
      {file("softmax", "translation", "model: {cross_attention: lstm}"),
       {"f.yaml:3:26: model.cross_attention: 'lstm' cannot attend to another sequence", "as softmax"}},
      {file("softmax", "translation", "model: {cross_attention: {stack: [softmax, linear]}}"),
       {"f.yaml:3:27: model.cross_attention: unknown attention variant 'stack'."}},
  });
}

TEST_CASE("mistakes: a type of model that the task cannot train") {
  check({
      {file("softmax", "text", "model: {type: encoder}"),
       {"f.yaml:3:15: model.type: the task 'text' cannot train a model of type 'encoder'",
        "an encoder would see the tokens that it must predict; it can train: decoder."}},
      {file("softmax", "compression", "model: {type: encoder}"),
       {"f.yaml:3:15: model.type: the task 'compression' cannot", "Remove model.type to train a decoder."}},
      {file("softmax", "listops", "model: {type: encoder_decoder}"),
       {"f.yaml:3:15: model.type: the task 'listops' cannot", "because it has no source and target",
        "Remove model.type to train an encoder."}},
      {file("softmax", "masked_text", "model: {type: encoder_decoder}"),
       {"f.yaml:3:15: model.type: the task 'masked_text' cannot", "because it has no source and target"}},
      {file("softmax", "mqar", "model: {typ: encoder}"),
       {"f.yaml:3:9: model.typ: unknown option of 'model'. Did you mean 'type'?"}},
      {"variants:\n  - softmax: {}\n    model.type: encoder_decoder\ntask: mqar\n",
       {"f.yaml:3:17: model.type:", "because it has no source and target"}},
  });
}

TEST_CASE("mistakes: keys of the model that the task has no place for") {
  check({
      {file("softmax", "masked_text", "model: {pool: mean}"),
       {"f.yaml:3:15: model.pool: it has no effect, because the task 'masked_text' has a label at each "
        "position"}},
      {file("softmax", "translation", "model: {pool: last}"),
       {"f.yaml:3:15: model.pool: it has no effect", "'translation'", "Remove it."}},
      {file("softmax", "listops", "model: {type: decoder, pool: first}"),
       {"f.yaml:3:30: model.pool: a decoder is scored at its last position", "'first' is for encoders"}},
      {file("softmax", "listops", "model: {pool: [mean]}"),
       {"f.yaml:3:15: model.pool:", "found a list of 1"}},
      {file("softmax", "listops", "model: {cross_attention: softmax}"),
       {"f.yaml:3:26: model.cross_attention: only an encoder_decoder has it", "an encoder here. Remove it."}},
      {file("softmax", "listops", "model: {encoder_attention: softmax}"),
       {"f.yaml:3:28: model.encoder_attention: only an encoder_decoder has it", "'listops'"}},
      {file("softmax", "listops", "model: {tied: true}"),
       {"f.yaml:3:15: model.tied: the labels of the task 'listops' are not of the vocabulary of its tokens",
        "Remove it."}},
      {file("linear", "translation", "model: {positions: alibi}"),
       {"f.yaml:1:12: variants[0].linear: 'linear' has no scores that a position could bias"}},
      {file("softmax", "listops", "save: [predictions]"),
       {"f.yaml:2:7: save: predictions", "'listops' has none"}},
  });
}

TEST_CASE("mistakes: options of tasks with a source, of subwords and of finite training sets") {
  check({
      {file("softmax", "{name: translation, length: 3}"),
       {"f.yaml:2:35: task.length: 3 is out of range", "from 9"}},
      {file("softmax", "{name: translation, adjectives: -1}"),
       {"f.yaml:2:39: task.adjectives: -1 is out of range", "from 1"}},
      {file("softmax", "{name: translation, nuons: 4}"),
       {"f.yaml:2:27: task.nuons: unknown option of 'translation'. Did you mean 'nouns'?"}},
      {file("softmax", "{name: translation, test_lengths: [32]}"),
       {"f.yaml:2:7: task.test_lengths: 32 is beyond the table of learned positions of the encoder (16 rows, "
        "one for each trained position). Use other model.positions (none, sinusoidal, rope, alibi), or test "
        "at most at length 16."}},
      {file("softmax", "pairs"), {"f.yaml:2:7: task.path: name a file of pairs"}},
      {file("softmax", "{name: pairs, path: /no/such/file.tsv}"),
       {"f.yaml:2:27: task.path:", "/no/such/file.tsv"}},
      {file("softmax", "{name: file}"),
       {"f.yaml:2:7: task.path: it is missing; give the file, or the folder"}},
      {file("softmax", "{name: file, path: no.npz}"), {"f.yaml:2:26: task.path: 'no.npz' does not exist."}},
      {file("softmax", "{name: masked_text, share: 2}"),
       {"f.yaml:2:34: task.share: 2 is out of range", "to 1"}},
      {file("softmax", "{name: text, unit: bytes, vocab: 100}"),
       {"f.yaml:2:40: task.vocab: only 'unit: bpe' has one; bytes do not."}},
      {file("softmax", "{name: mqar, train_sequences: -5}"),
       {"f.yaml:2:37: task.train_sequences: -5 is out of range", "at least 0"}},
      {file("softmax", "{name: mqar, train_sequences: many}"),
       {"f.yaml:2:37: task.train_sequences: expected an integer, found the string 'many'."}},
      {file("softmax", "{name: mqar, test_lengths: 64}"),
       {"f.yaml:2:34: task.test_lengths: expected a list of integers, found 64."}},
      {file("softmax", "{name: mqar, test_lengths: [63]}"),
       {"f.yaml:2:34: task.test_lengths: 63 is no length of this task", "63 is odd"}},
      {file("softmax", "{name: needle, ask: 5}"),
       {"f.yaml:2:27: task.ask: 5 must be at most 'needles' (1)."}},
      {file("softmax", "{name: permutations, n: 9}"),
       {"f.yaml:2:31: task.n: 9 is out of range", "from 3 to 5"}},
  });
}

TEST_CASE("mistakes: metrics that no trial of the sweep has") {
  const auto metric = [](const std::string& name) { return "compare: {metric: " + name + "}"; };
  check({
      {file("softmax", "mqar", metric("cross_attention_entropy")),
       {"f.yaml:3:19: compare.metric: 'cross_attention_entropy' is recorded by no trial: only an "
        "encoder_decoder"}},
      {file("softmax", "listops", metric("encoder_attention_on_first")),
       {"f.yaml:3:19: compare.metric:", "only an encoder_decoder has it"}},
      {file("lstm", "mqar", metric("attention_entropy")),
       {"f.yaml:3:19: compare.metric:", "no variant of this sweep has attention weights to show"}},
      {file("softmax", "listops", metric("attention_on_answer")),
       {"f.yaml:3:19: compare.metric:", "the task does not say where the answer is"}},
      {file("softmax", "mqar", metric("test_calibration_error")),
       {"f.yaml:3:19: compare.metric:",
        "the task asks nothing that was not shown (task.unanswerable of mqar)."}},
      {file("softmax", "copy", metric("test_confidence_unanswerable")),
       {"f.yaml:3:19: compare.metric:", "the task asks nothing that was not shown"}},
      {file("softmax", "mqar", metric("final_train_accuracy")),
       {"f.yaml:3:19: compare.metric:",
        "its training data do not end (task.train_sequences makes them finite)."}},
      {file("softmax", "mqar", metric("test_confidence_answerabel")),
       {"f.yaml:3:19: compare.metric:", "Did you mean 'test_confidence_answerable'?"}},
  });
  CHECK(wrong(file("softmax", "{name: mqar, unanswerable: 0.25}", metric("test_calibration_error"))).empty());
  CHECK(wrong(file("softmax", "{name: mqar, train_sequences: 9}", metric("final_train_loss"))).empty());
  CHECK(wrong(file("softmax", "translation", metric("cross_attention_entropy"))).empty());
}

TEST_CASE("mistakes: each metric of the test is refused without a test split") {
  int refused = 0;
  for (const heed::MetricInfo& m : heed::metrics()) {
    CAPTURE(m.name);
    const std::string message =
        wrong(file("softmax", "{name: text, split: [0.9, 0.1, 0]}", "compare: {metric: " + m.name + "}"));
    // Probes are of the validation then.
    const bool of_test = m.name.starts_with("test_") || m.description.find(" test ") != std::string::npos;
    CHECK((message.find("needs a test split") != std::string::npos) == of_test);
    refused += of_test;
  }
  CHECK(refused > 5);
  check({{file("softmax", "{name: text, split: [0.9, 0.1, 0]}", "compare: {metric: test_bits_per_byte}"),
          {"f.yaml:3:19: compare.metric:", "Did you mean 'final_validation_bits_per_byte'?"}},
         {file("softmax", "{name: text, split: [0.9, 0.1, 0]}", "compare: {metric: sequence_accuracy}"),
          {"f.yaml:3:19: compare.metric:", "Did you mean 'final_validation_accuracy'?"}}});
}

TEST_CASE("mistakes: references, selections and entries that do not exist or exist twice") {
  check({
      {file("softmax", "mqar",
            "compare: {reference: {variant: softmax, train.lr: 0.5}}\nsweep: {parameters: {train.lr: [0.1, "
            "0.2]}}"),
       {"f.yaml:3:22: compare.reference: no row is softmax with train.lr=0.5.", "softmax (lr=0.1)"}},
      {file("softmax", "mqar", "compare: {reference: {variant: softmx}}"),
       {"f.yaml:3:32: compare.reference: 'softmx' is no variant of this sweep. Did you mean 'softmax'?"}},
      {file("softmax", "mqar", "compare: {reference: {train.lr: 0.1}}"),
       {"f.yaml:3:22: compare.reference.variant: expected the name of a variant"}},
      {file("softmax: {scale: [0.1, 0.2]}", "mqar", "compare: {reference: softmax}"),
       {"f.yaml:3:22: compare.reference: 'softmax' is no variant of this sweep.", "softmax(scale=0.1)"}},
      {file("{softmax: , label: linear}, linear", "mqar"),
       {"f.yaml:1:31: variants[0].label: 'linear' is the name of another row, variants[1].linear"}},
      {file("softmax, softmax", "mqar"),
       {"f.yaml:1:21: variants[1].softmax: softmax is the same as variants[0].softmax; remove one of them."}},
      {file("softmax", "mqar", "sweep: {together: [{train.lr: 0.1}, {train.lr: 0.1}]}"),
       {"f.yaml:3:19: sweep.together: of 2 settings only 1 are different; remove"}},
      {file("{softmax: , model.heads: 4}", "mqar", "sweep: {parameters: {model.heads: [2, 4]}}"),
       {"f.yaml:1:24: variants[0].model.heads: sweep.parameters varies it for every variant."}},
      {"variants: [softmax]\ntasks: [mqar, copy]\ncompare: {select: task.length}\n",
       {"f.yaml:3:19: compare.select:", "'task.length' are not measured alike", "as train.lr"}},
      {file("softmax", "mqar",
            "sweep: {parameters: {train.test_sequences: [8, 16]}}\ncompare: {select: train.test_sequences}"),
       {"f.yaml:4:19: compare.select:", "'train.test_sequences' are not measured alike"}},
  });
}

TEST_CASE(
    "mistakes: rows that differ in nothing that acts are refused, as their results would be one trial") {
  check({
      {file("softmax, linear, {linear: {performer_features: 16}, label: mine}", "mqar"),
       {"f.yaml:1:30: variants[2].linear: mine trains the same as linear; remove one of them."}},
      {file("linear: {performer_features: [8, 16]}", "mqar"),
       {"f.yaml:1:12: variants[0].linear: linear(performer_features=16) trains the same as linear("}},
      {file("linear: {cosformer_length: [16, 32]}", "mqar"),
       {"f.yaml:1:12: variants[0].linear: linear(cosformer_length=32) trains the same as"}},
      {file("{stack: [linear, softmax]}, {stack: [linear: {hedgehog_map: shared}, softmax]}", "mqar"),
       {"f.yaml:1:41: variants[1].stack:", "trains the same as linear+softmax"}},
      {"variants: [softmax]\ntasks: [{name: parity, length: 8}, {name: parity, length: 8, train_sequences: "
       "0}]\n",
       {"f.yaml:2:36: tasks[1]: softmax (task=parity(train_sequences=0)) trains the same as"}},
  });
  // Two copies of one text.
  const heed::ScratchFolder folder("heed-test");
  std::string paths;
  for (const char* name : {"a.txt", "b.txt"}) {
    const std::string path = (folder.path() / name).string();
    std::ofstream(path) << std::string(9000, 'x');
    paths += (paths.empty() ? "" : ", ") + path;
  }
  CHECK_THAT(
      wrong(file("softmax", "{name: text, length: 16}", "sweep: {parameters: {task.path: [" + paths + "]}}")),
      ContainsSubstring("f.yaml:3:") && ContainsSubstring(": task.path: softmax (path=") &&
          ContainsSubstring("b.txt) trains the same as softmax (path="));
  CHECK(wrong(file("linear: {feature_map: performer, performer_features: [8, 16]}", "mqar")).empty());
}
