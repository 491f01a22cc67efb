// What a sweep file may get wrong, and what is said about it.
#include <sstream>
#include <string>
#include <vector>

#include "core/rng.h"
#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

TEST_CASE("read_sweep: each mistake has its place, its key, what was found and what would be right") {
  const auto with = [](const std::string& line) { return wrong(kSmall + line + '\n'); };

  // unknown and missing keys
  CHECK(missing(with("trian: {lr: 1}"), {"f.yaml:3:1: trian:", "Did you mean 'train'?"}) == "");
  CHECK(missing(with("train: {lrr: 1}"), {"f.yaml:3:9: train.lrr:", "Did you mean 'lr'?"}) == "");
  CHECK(missing(with("model: {postions: rope}"),
                {"f.yaml:3:9: model.postions:", "Did you mean 'positions'?"}) == "");
  CHECK(missing(with("plugins: a.so"),
                {"f.yaml:3:10: plugins:", "a list of files", "found the string 'a.so'"}) == "");
  CHECK(missing(with("plugins: [{a: 1}]"), {"f.yaml:3:11: plugins:", "a file", "found a map"}) == "");
  CHECK_THROWS_WITH(with("plugins: [nowhere.so]"), ContainsSubstring("f.yaml:3:11: plugins: nowhere.so") &&
                                                       ContainsSubstring("cannot be read"));
  CHECK(missing(with("limits: {memroy: 1}"), {"f.yaml:3:10: limits.memroy:", "Did you mean 'memory'?"}) ==
        "");
  CHECK(missing(with("limits: {time: soon}"),
                {"f.yaml:3:16: limits.time:", "a time as 30s", "found 'soon'"}) == "");
  CHECK(missing(with("limits: {memory: 1}"),
                {"f.yaml:3:18: limits.memory:", "less than 1 MiB", "in bytes", "1GiB"}) == "");
  CHECK(missing(with("limits: {memory: 200%}"),
                {"f.yaml:3:18: limits.memory:", "a size as 512MiB", "found '200%'"}) == "");
  CHECK(missing(with("train: {checkpoint: often}"),
                {"f.yaml:3:21: train.checkpoint:", "a time as 30s or 5m", "found 'often'"}) == "");
  CHECK(missing(wrong("task: mqar\n"), {"f.yaml:1:1: variants:", "as [softmax, linear]"}) == "");
  CHECK(missing(wrong("variants: [softmax]\n"), {"f.yaml:1:1: task:", "Known: mqar, text"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: {length: 8}\n"),
                {"f.yaml:2:7: task.name:", "Known: mqar, text"}) == "");
  CHECK(missing(with("train: {save: [weights]}"),
                {"f.yaml:3:9: train.save:", "'save' is a section of its own, not a key of 'train'"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: {name: mqar, train: {lr: 1}}\n"),
                {"f.yaml:2:20: task.train:", "'train' is a section of its own"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: {name: mqar, train_sequence: 9}\n"),
                {"f.yaml:2:20: task.train_sequence:", "Did you mean 'train_sequences'?"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: {name: mqar, test_length: [9]}\n"),
                {"f.yaml:2:20: task.test_length:", "Did you mean 'test_lengths'?"}) == "");
  CHECK(missing(with("sweep: {parameters: {task.train_sequencs: [9, 99]}}"),
                {"f.yaml:3:22: task.train_sequencs:", "Did you mean 'task.train_sequences'?"}) == "");
  CHECK(with("sweep: {parameters: {task.train_sequences: [9, 99]}}").empty());
  // values that are one trial
  CHECK(missing(with("sweep: {parameters: {train.checkpoint: [30s, 60s]}}"),
                {"f.yaml:3:22: train.checkpoint:", "changes no result", "Set one value in `train`"}) == "");
  CHECK(missing(wrong(kSmall, {"train.checkpoint=[30s,60s]"}),
                {"command line: train.checkpoint: it changes"}) == "");
  CHECK(missing(wrong("variants: [softmax, {softmax: , train.checkpoint: 60s}]\ntask: mqar\n"),
                {"f.yaml:1:33: variants[1]", "train.checkpoint: it changes no result",
                 "Set it in `train`"}) == "");
  // duplicate keys
  CHECK(missing(with("train: {lr: 1}\nmodel: {dim: 8}\ntrain: {steps: 1}"),
                {"f.yaml:5:1:", "'train' is a duplicate key", "line 3"}) == "");
  CHECK_THAT(
      wrong(kSmall, {"variants=[softmax, {label: {a: 1}, label: x}]"}),
      ContainsSubstring("command line: variants: 'label' is a duplicate key; it is already in this map."));
  CHECK(with("sweep: {parameters: {train.lr: [1, 2], train.lr: [3, 4]}}") ==
        "f.yaml:3:40: 'train.lr' is a duplicate key; it is already on line 3.");
  // types and ranges
  CHECK(missing(with("train: {steps: 1.5}"), {"f.yaml:3:16: train.steps:", "an integer", "found 1.5"}) == "");
  CHECK(missing(with("train: {steps: 1.5e0}"),
                {"f.yaml:3:16: train.steps: expected an integer, found 1.5e0, which is 1.5."}) == "");
  CHECK(missing(wrong(kSmall, {"train.steps=1e-3"}),
                {"command line: train.steps: expected an integer, found 1e-3, which is 0.001."}) == "");
  CHECK(missing(with("sweep: {parameters: {train.batch: [10, 1e1]}}"),
                {"f.yaml:3:40: train.batch: 10 is listed twice."}) == "");
  CHECK(missing(with("train: {lr: \"1\"}"), {"f.yaml:3:13: train.lr:", "a number", "found the string '1'"}) ==
        "");
  CHECK(missing(with("train: {lr:}"), {"f.yaml:3:9: train.lr:", "a number", "found null"}) == "");
  CHECK(missing(with("train: fast"), {"f.yaml:3:8: train:", "a map", "'fast'"}) == "");
  CHECK(missing(with("model: {bias: yes}"), {"f.yaml:3:15: model.bias:", "Did you mean true?"}) == "");
  CHECK(missing(with("train: {beta1: 2}"), {"f.yaml:3:16: train.beta1:", "from 0 to 0.999999"}) == "");
  CHECK(missing(with("model: {norm: batch}"), {"f.yaml:3:15: model.norm:", "Known: layer, rms"}) == "");
  CHECK(missing(with("train: {steps: 010}"), {"f.yaml:3:16:", "010", "octal"}) == "");
  CHECK(missing(with("train: {lr: [0.1, 0.2]}"), {"f.yaml:3:13: train.lr:", "one number", "a list of 2",
                                                  "sweep: {parameters: {train.lr: [0.1, 0.2]}}"}) == "");
  CHECK(missing(with("train: {optimizer: [adamw, sgd]}"),
                {"f.yaml:3:20: train.optimizer:", "sweep: {parameters: {train.optimizer: [adamw, sgd]}}"}) ==
        "");
  CHECK(missing(with("train: {optimizer: cosine}"),
                {"f.yaml:3:20: train.optimizer:", "is a schedule, not an optimizer."}) == "");
  // values that are wrong only together
  CHECK(missing(with("train: {steps: 10, warmup: 11}"),
                {"f.yaml:3:28: train.warmup:", "larger than steps"}) == "");
  CHECK(missing(with("model: {heads: 3, dim: 64}"),
                {"f.yaml:3:16: model.heads:", "does not divide model.dim"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: {name: mqar, length: 8, pairs: 4}\n"),
                {"f.yaml:2:38: task.pairs:", "at most length / 4"}) == "");
  // names
  CHECK(missing(wrong("variants: [sofmax]\ntask: mqar\n"),
                {"f.yaml:1:12: variants[0]:", "Did you mean 'softmax'?"}) == "");
  CHECK(missing(wrong("variants: [softmax]\ntask: mqra\n"),
                {"f.yaml:2:7: task.name:", "Did you mean 'mqar'?"}) == "");
  CHECK(missing(with("model: {positions: lerned}"),
                {"f.yaml:3:20: model.positions:", "Did you mean 'learned'?"}) == "");
  CHECK(missing(with("model: {feed_forward: softmax}"),
                {"f.yaml:3:23: model.feed_forward:", "not a feed-forward", "Known: pattention, mlp, none"}) ==
        "");
  CHECK(missing(with("name: a/b"), {"f.yaml:3:7: name:", "letters", "found the string 'a/b'"}) == "");
  CHECK(missing(with("save: [weight]"), {"f.yaml:3:8: save:", "Did you mean 'weights'?"}) == "");
  // variants
  CHECK(missing(wrong("task: mqar\nvariants:\n  - window: {szie: 8}\n"),
                {"f.yaml:3:14: variants[0].window.szie:", "Did you mean 'size'?"}) == "");
  CHECK(missing(wrong("task: mqar\nvariants: [{window: {size: [8, 0]}}]\n"),
                {"f.yaml:2:32: variants[0].window.size:", "at least 1"}) == "");
  CHECK(missing(wrong("task: mqar\nvariants: [mlp]\n"),
                {"f.yaml:2:12: variants[0]:", "'mlp'", "model.feed_forward"}) == "");
  CHECK(missing(wrong("task: mqar\nvariants: [softmax, {softmax: {temperature: 1.0}}]\n"),
                {"f.yaml:2:22: variants[1].softmax:", "is the same as variants[0].softmax;"}) == "");
  CHECK(missing(wrong("task: mqar\nvariants: [{softmax: {}, linear: {}}]\n"),
                {"f.yaml:2:12: variants[0]:", "found a map of 2 keys"}) == "");
  CHECK(missing(wrong("task: mqar\nvariants: [{mean: }]\n"),
                {"f.yaml:2:13: variants[0].mean:", "'mean'", "'mqar'"}) == "");
  CHECK(missing(wrong("task: {name: mqar, length: 16}\nvariants: [{window: {size: 17}}]\n"),
                {"f.yaml:2:13: variants[0].window:", "'size' is more than"}) == "");
  CHECK(missing(wrong("task: {name: text, path: gone.txt}\nvariants: [softmax, linear]\n"),
                {"f.yaml:1:7: task:", "gone.txt: No such file or directory"}) == "");
  // the sweep
  CHECK(missing(with("sweep: {seeds: 0}"), {"f.yaml:3:16: sweep.seeds:", "from 1 to 100000"}) == "");
  CHECK(missing(with("sweep: {seeds: [1, 1]}"), {"f.yaml:3:20: sweep.seeds:", "is listed twice"}) == "");
  CHECK(missing(with("sweep: {parameters: {lr: [1, 2]}}"),
                {"f.yaml:3:22: lr:", "Did you mean 'train.lr'?"}) == "");
  CHECK(missing(with("sweep: {parameters: {train.lrr: [1, 2]}}"),
                {"f.yaml:3:22: train.lrr:", "Did you mean 'train.lr'?"}) == "");
  CHECK(missing(with("sweep: {parameters: {train.lr: 0.1}}"),
                {"f.yaml:3:32: train.lr:", "a list of values", "found 0.1"}) == "");
  CHECK(missing(with("sweep: {parameters: {train.lr: [0.1, high]}}"),
                {"f.yaml:3:38: train.lr:", "a number", "found the string 'high'"}) == "");
  CHECK(missing(with("sweep: {parameters: {train.lr: [0.001, 1e-3]}}"),
                {"f.yaml:3:40: train.lr:", "0.001 is listed twice"}) == "");
  CHECK(missing(with("sweep: {parameters: {train.lr: {min: 1, max: 2}}}"),
                {"f.yaml:3:32: train.lr:", "'method: random'"}) == "");
  CHECK(missing(with("sweep: {method: random, parameters: {train.lr: [1]}}"),
                {"f.yaml:3:8: sweep.trials:", "number of trials"}) == "");
  CHECK(missing(with("sweep: {seed: 42}"), {"f.yaml:3:15: sweep.seed:", "Did you mean 'seeds: [42]'?"}) ==
        "");
  CHECK(missing(with("sweep: {trials: 3}"),
                {"f.yaml:3:17: sweep.trials:", "Did you mean 'method: random'?"}) == "");
  CHECK(missing(with("sweep: {method: random, trials: 2, parameters: {train.steps: {min: 1, max: 9}}}"),
                {"f.yaml:3:62: train.steps:", "'distribution: int_uniform'"}) == "");
  CHECK(missing(
            with("sweep: {method: random, trials: 2, parameters: {train.lr: {min: -4, max: -2, distribution: "
                 "log_uniform}}}"),
            {"f.yaml:3:59: train.lr:", "above 0"}) == "");
  CHECK(missing(with("sweep: {together: [{train.lr: 1, train.clip: 1}, {train.lr: 2}]}"),
                {"f.yaml:3:50: sweep.together:", "the same keys", "train.clip, train.lr"}) == "");
  CHECK(
      missing(
          with("sweep: {seeds: 1000, parameters: {train.lr: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], train.clip: [1, "
               "2, 3, 4, 5, 6, "
               "7, 8, 9, 10, 11]}}"),
          {"f.yaml:1:1:", "at most 100000 are allowed"}) == "");
  // the comparison
  CHECK(missing(with("compare: {metric: test_acuracy}"),
                {"f.yaml:3:19: compare.metric:", "Did you mean 'test_accuracy'?"}) == "");
  CHECK(missing(with("compare: {reference: linear}"),
                {"f.yaml:3:22: compare.reference:", "Known: softmax"}) == "");
  const auto with_reference = [&](const std::string& reference) {
    return with(
        "sweep: {parameters: {model.positions: [learned, rope, {rope: {base: 5}}], train.lr: [1, 2]}}\n"
        "compare: {select: train.lr, reference: " +
        reference + "}");
  };
  CHECK(missing(with_reference("{variant: softmax, model.postions: rope}"),
                {"f.yaml:4:59: compare.reference.model.postions:", "Did you mean 'model.positions'?"}) == "");
  CHECK(missing(with_reference("{variant: sofmax, model.positions: rope}"),
                {"f.yaml:4:50: compare.reference: 'sofmax' is no variant of this sweep. Did you mean "
                 "'softmax'?"}) == "");
  CHECK(missing(with_reference("{model.positions: rope}"),
                {"f.yaml:4:40: compare.reference.variant: expected the name of a variant"}) == "");
  CHECK(missing(with_reference("{variant: softmax, train.lr: 1}"),
                {"f.yaml:4:59: compare.reference.train.lr: compare.select chooses train.lr"}) == "");
  CHECK(missing(with_reference("{variant: softmax, model.positions: {rope: {base: 7}}}"),
                {"f.yaml:4:40: compare.reference: no row is softmax with model.positions.name=rope "
                 "model.positions.base=7. Rows of this variant: softmax (positions=learned lr=1), softmax "
                 "(positions=learned lr=2), softmax (positions=rope lr=1)"}) == "");
  CHECK(missing(with("compare: {select: train.lr}"),
                {"f.yaml:3:19: compare.select:", "'train.lr' is no swept parameter"}) == "");
  CHECK(missing(with("compare: {match: {budget: flops}}"),
                {"f.yaml:3:27: compare.match.budget:", "Known: none, parameters"}) == "");
}

TEST_CASE("read_sweep: a name of another kind is refused with its kind") {
  CHECK_THAT(wrong("variants: [mqar]\ntask: mqar\n"), ContainsSubstring("'mqar' is a task, not a variant."));
  CHECK_THAT(wrong("variants: [rope]\ntask: mqar\n"),
             ContainsSubstring("'rope' is a kind of position, not a variant."));
  CHECK_THAT(wrong("variants: [softmax]\ntask: linear\n"),
             ContainsSubstring("task.name: 'linear' is an attention variant, not a task."));
  CHECK_THAT(wrong(kSmall + "model: {positions: mlp}\n"),
             ContainsSubstring("model.positions: 'mlp' is a feed-forward, not a kind of position."));
  CHECK_THAT(wrong("variants: [mlp]\ntask: mqar\n"), ContainsSubstring("use it in model.feed_forward"));
  CHECK_THAT(
      wrong("variants: [patention]\ntask: mqar\n"),
      ContainsSubstring(
          "unknown variant 'patention'. Did you mean 'pattention'? It is a feed-forward. Known: softmax"));
}

TEST_CASE("read_sweep: a stack longer than the model is refused with its place") {
  const auto with = [](const std::string& variants, const std::string& model) {
    return wrong("task: mqar\nvariants: " + variants + "\nmodel: " + model + "\n");
  };
  const std::string long_stack = "[softmax, {stack: [softmax, linear, window, softmax]}]";
  CHECK_THAT(with(long_stack, "{layers: 2}"),
             ContainsSubstring(
                 "f.yaml:2:22: variants[1].stack: the stack lists 4 variants and the model has 2 layers"));
  CHECK(with(long_stack, "{layers: 4}").empty());
  CHECK(with(long_stack, "{layers: 9}").empty());
  CHECK_THAT(wrong("task: mqar\nvariants: " + long_stack + "\nsweep: {parameters: {model.layers: [4, 2]}}\n"),
             ContainsSubstring("the model has 2 layers"));
}

TEST_CASE("read_sweep: rows that train the same under another label are refused") {
  const auto with = [](const std::string& variants, const std::string& more) {
    return wrong("task: mqar\nvariants: " + variants + '\n' + more + '\n');
  };
  // Stacks are compared by the variant of each layer.
  const std::string stacks = "[{stack: [softmax, linear]}, {stack: [softmax, linear, softmax, linear]}]";
  CHECK_THAT(with(stacks, "model: {layers: 4}"),
             ContainsSubstring(
                 "variants[1].stack: softmax+linear+softmax+linear trains the same as softmax+linear"));
  CHECK_THAT(with("[{stack: [softmax, linear, softmax]}, {stack: [softmax, linear]}]", "model: {layers: 3}"),
             ContainsSubstring("trains the same as softmax+linear+softmax"));
  CHECK(with("[{stack: [softmax, linear, softmax]}, {stack: [softmax, linear]}]", "model: {layers: 4}")
            .empty());
  CHECK_THAT(with("[softmax, {stack: [softmax, softmax]}]", ""),
             ContainsSubstring("softmax+softmax trains the same as softmax"));
  CHECK_THAT(
      with("[softmax]", "sweep: {parameters: {model.feed_forward: [mlp, {mlp: {width: 0}}]}}"),
      ContainsSubstring("softmax (feed_forward=mlp(width=0)) trains the same as softmax (feed_forward=mlp)"));
}

TEST_CASE("read_sweep: a variant that decides what the sweep sets is refused, as its label would be wrong") {
  const auto with = [](const std::string& variants, const std::string& sweep) {
    return wrong("task: mqar\nvariants: " + variants + "\nsweep: " + sweep + '\n');
  };
  const std::string slots = "{parameters: {model.feed_forward: [mlp, {mlp: {width: 9}}]}}";
  CHECK_THAT(with("[softmax, tokenformer]", slots),
             ContainsSubstring(
                 "f.yaml:2:21: variants[1].tokenformer: model.feed_forward of this variant is pattention, "
                 "whatever the sweep sets (mlp)"));
  CHECK_THAT(with("[tokenformer]", "{parameters: {model.feed_forward: [mlp]}}"),
             ContainsSubstring("is pattention, whatever the sweep sets (mlp)"));
  CHECK_THAT(with("[{stack: [{tokenformer: {tokens: 4}}, {tokenformer: {tokens: 8}}]}]", slots),
             ContainsSubstring("is pattention, whatever the sweep sets (mlp)"));
  CHECK_THAT(with("[{grow: [{tokenformer: {tokens: 4}, steps: 9}, {tokenformer: {tokens: 8}, steps: 9}]}]",
                  "{parameters: {train.steps: [100, 200]}}"),
             ContainsSubstring("train.steps of this variant is 18, whatever the sweep sets (100)"));
  // A block of it takes the slot; nothing is decided; another key is swept.
  CHECK(with("[{stack: [softmax, tokenformer]}]", slots).empty());
  CHECK(with("[softmax, linear]", slots).empty());
  CHECK(with("[softmax, tokenformer]", "{parameters: {train.lr: [1, 2]}}").empty());
}

TEST_CASE("read_axes: keys without effect on the method are refused with the right one") {
  const auto with = [](const std::string& sweep) { return wrong(kSmall + sweep + '\n'); };
  CHECK_THAT(with("sweep: {seed: 42}"), ContainsSubstring("f.yaml:3:15: sweep.seed: ") &&
                                            ContainsSubstring("Did you mean 'seeds: [42]'?"));
  CHECK_THAT(with("sweep: {seed: 7, parameters: {train.lr: [1, 2]}}"), ContainsSubstring("seeds: [7]"));
  CHECK_THAT(with("sweep: {trials: 9}"), ContainsSubstring("Did you mean 'method: random'?"));
  CHECK_THAT(with("sweep: {method: random, trials: 9}"),
             ContainsSubstring("sweep.parameters: they are missing"));
  CHECK_THAT(with("seed: 42"), ContainsSubstring("seed: unknown key. Did you mean 'sweep: {seeds: ...}'?"));
  CHECK(
      with("sweep: {method: random, trials: 9, seed: 42, parameters: {train.lr: {min: 1, max: 2}}}").empty());
}

TEST_CASE("read_sweep: a metric that trials do not have is refused") {
  const auto with = [](const std::string& task, const std::string& metric) {
    return wrong("variants: [softmax]\ntask: " + task + "\ncompare: {metric: " + metric + "}\n");
  };
  const std::string untested = "{name: text, path: untested.txt}";
  CHECK_THAT(with(untested, "test_accuracy"),
             ContainsSubstring("f.yaml:3:19: compare.metric: 'test_accuracy' needs a test split") &&
                 ContainsSubstring("Did you mean 'final_validation_accuracy'?"));
  CHECK_THAT(with(untested, "test_loss"), ContainsSubstring("Did you mean 'final_validation_loss'?"));
  CHECK(with("mqar", "test_loss").empty());
  CHECK_THAT(with("mqar", "growth_difference"), ContainsSubstring("no variant of this sweep grows"));
  CHECK_THAT(with("mqar", "attention_entropy"), ContainsSubstring("has attention weights to show"));
}

TEST_CASE("read_sweep: an impossible growth is refused with its place") {
  const auto grow = [](const std::string& stages, const std::string& more = "") {
    return wrong("task: mqar\nvariants:\n  - grow: " + stages + "\n" + more);
  };
  const std::string small = "{tokenformer: {tokens: 16}, steps: 300}";
  CHECK(missing(grow("[" + small + "]"), {"f.yaml:3:11: variants[0].grow:", "found a list of 1"}) == "");
  CHECK(missing(grow("[tokenformer, {tokenformer: {tokens: 99}}]"),
                {"f.yaml:3:12: variants[0].grow[0].steps:", "training steps of this stage"}) == "");
  CHECK(missing(grow("[{tokenformer: {tokens: 16}, steps: 0}, tokenformer]"),
                {"f.yaml:3:47: variants[0].grow[0].steps:", "an integer above 0", "found 0"}) == "");
  CHECK(missing(grow("[" + small + ", {tokenformer: {tokens: 8}}]"),
                {"f.yaml:3:5: variants[0].grow:", "attention", "from 16 to 8 rows"}) == "");
  CHECK(missing(grow("[" + small + ", {tokenformer: {tokens: 16}}]"),
                {"f.yaml:3:5: variants[0].grow:", "no parameter gets more rows"}) == "");
  CHECK(missing(grow("[{window: {size: 8}, steps: 3}, {window: {size: 16}}]"),
                {"f.yaml:3:5: variants[0].grow:", "no parameter gets more rows"}) == "");
  CHECK(missing(grow("[" + small + ", softmax]"),
                {"f.yaml:3:53: variants[0].grow[1]:", "'tokenformer'", "'softmax'"}) == "");
  CHECK(missing(grow("[{softmax: {temperature: 1}, steps: 3}, {softmax: {temperature: 2}}]"),
                {"f.yaml:3:51: variants[0].grow[1]:", "temperature is 1", "and 2 here"}) == "");
  CHECK(missing(grow("[" + small + ", tokenformer]", "train: {steps: 300}"),
                {"f.yaml:3:5: variants[0].grow:", "300 steps of 300 (train.steps)"}) == "");
  CHECK(missing(grow("[" + small + ", {tokenformer: {tokens: 64}, steps: 10}]", "train: {warmup: 400}"),
                {"f.yaml:3:5: variants[0].grow:", "train.warmup (400)", "310 steps"}) == "");
}

TEST_CASE("read_sweep: all mistakes of a file are reported together, in its order") {
  std::istringstream lines(
      wrong("variants:\n  - sofmax\n  - window: {szie: 8}\ntask: {name: mqar, lenght: 8}\nmodel: {heads: 3}\n"
            "train: {lr: -1}\nsweep: {seeds: x}\n"));
  for (const Texts& parts :
       std::vector<Texts>{{"f.yaml:2:5: variants[0]:", "Did you mean 'softmax'?"},
                          {"f.yaml:3:14: variants[1].window.szie:", "Did you mean 'size'?"},
                          {"f.yaml:4:20: task.lenght:", "Did you mean 'length'?"},
                          {"f.yaml:5:16: model.heads:", "model.dim"},
                          {"f.yaml:6:13: train.lr:", "at least 0"},
                          {"f.yaml:7:16: sweep.seeds:", "found the string 'x'"}}) {
    std::string line;
    std::getline(lines, line);
    CHECK(missing(line, parts) == "");
  }
  CHECK(lines.eof());
}

TEST_CASE("read_sweep: a mistake that many trials share is reported once") {
  CHECK(missing(wrong("variants: [softmax, linear]\ntask: mqar\ntrain: {lr: x}\n"
                      "sweep: {seeds: 5, parameters: {train.clip: [1, 2, 3]}}\n"),
                {"f.yaml:3:13: train.lr:", "a number", "found the string 'x'"}) == "");
}

TEST_CASE("read_sweep: thousands of mistakes are counted and not all shown") {
  heed::Problems problems;
  read(kSmall + "sweep: {method: random, trials: 3000, parameters: {train.beta1: {min: 2, max: 3}}}\n", {},
       problems);
  CHECK(problems.lines().size() == 100);
  CHECK(problems.size() > 2900);
  CHECK_THROWS_WITH(problems.throw_if_any(), ContainsSubstring(" more like these."));
}
