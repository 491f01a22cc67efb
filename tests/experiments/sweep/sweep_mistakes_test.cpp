// What a sweep file may get wrong, and what is said about it.
#include <string>
#include <vector>

#include "core/rng.h"
#include "tests/experiments/sweep/sweep_text.h"

using namespace heed::test;

TEST_CASE("each mistake in a sweep file has its place, its key, what was found and what would be right") {
  const std::string options_of_train =
      "steps, batch, lr, warmup, clip, dropout, micro_batch, evaluate_every, evaluate_sequences, "
      "test_sequences, "
      "checkpoint, optimizer, schedule, beta1, beta2, eps, weight_decay, min_lr";
  const auto with = [](const std::string& line) { return wrong(kSmall + line + '\n'); };

  // unknown and missing keys
  CHECK(with("trian: {lr: 1}") ==
        "f.yaml:3:1: trian: unknown key. Did you mean 'train'? Known: name, variants, task, model, train, "
        "sweep, "
        "compare, save, plugins, limits.");
  CHECK(with("train: {lrr: 1}") ==
        "f.yaml:3:9: train.lrr: unknown option of 'train'. Did you mean 'lr'? Known: " + options_of_train +
            ".");
  CHECK(with("model: {postions: rope}") ==
        "f.yaml:3:9: model.postions: unknown option of 'model'. Did you mean 'positions'? Known: layers, "
        "heads, dim, "
        "norm, norm_eps, bias, tied, positions, feed_forward.");
  CHECK(with("plugins: a.so") == "f.yaml:3:10: plugins: expected a list of files, found the string 'a.so'.");
  CHECK(with("plugins: [{a: 1}]") == "f.yaml:3:11: plugins: expected a file, found a map.");
  CHECK_THROWS_WITH(
      with("plugins: [nowhere.so]"),
      "f.yaml:3:11: plugins: nowhere.so: this plugin cannot be read. Is the path right, and has it "
      "been built?");
  CHECK(with("limits: {memroy: 1}") ==
        "f.yaml:3:10: limits.memroy: unknown option of 'limits'. Did you mean 'memory'? Known: time, memory, "
        "output.");
  CHECK(with("limits: {time: soon}") ==
        "f.yaml:3:16: limits.time: expected a time as 30s, 10m or 2h, found 'soon'.");
  CHECK(with("limits: {memory: 200%}") ==
        "f.yaml:3:18: limits.memory: expected a size as 512MiB, 2GiB or 50%, found '200%'.");
  CHECK(with("train: {checkpoint: often}") ==
        "f.yaml:3:21: train.checkpoint: expected a time as 30s or 5m, found 'often'.");
  CHECK(wrong("task: mqar\n") ==
        "f.yaml:1:1: variants: the list is missing; name the variants to compare, as [softmax, linear].");
  CHECK(wrong("variants: [softmax]\n") == "f.yaml:1:1: task: the section is missing. Known: mqar, text.");
  CHECK(wrong("variants: [softmax]\ntask: {length: 8}\n") ==
        "f.yaml:2:7: task.name: it is missing. Known: mqar, text.");
  // duplicate keys
  CHECK(with("train: {lr: 1}\nmodel: {dim: 8}\ntrain: {steps: 1}") ==
        "f.yaml:5:1: 'train' is a duplicate key; it is already on line 3.");
  // types and ranges
  CHECK(with("train: {steps: 1.5}") == "f.yaml:3:16: train.steps: expected an integer, found 1.5.");
  CHECK(with("train: {lr: \"1\"}") == "f.yaml:3:13: train.lr: expected a number, found the string '1'.");
  CHECK(with("train: {lr: [1, 2]}") == "f.yaml:3:13: train.lr: expected a number, found a list of 2.");
  CHECK(with("train: {lr:}") == "f.yaml:3:9: train.lr: expected a number, found nothing.");
  CHECK(with("train: fast") ==
        "f.yaml:3:8: train: the options of 'train' must be a map, not the string 'fast'.");
  CHECK(with("model: {bias: yes}") ==
        "f.yaml:3:15: model.bias: expected true or false, found the string 'yes'. Did you mean true?");
  CHECK(with("train: {beta1: 2}") ==
        "f.yaml:3:16: train.beta1: 2 is out of range; it must be from 0 to 0.999999.");
  CHECK(with("model: {norm: batch}") == "f.yaml:3:15: model.norm: unknown value 'batch'. Known: layer, rms.");
  CHECK(with("train: {steps: 010}") ==
        "f.yaml:3:16: 010 begins with a zero, which some YAML readers read as octal; write it without the "
        "zero, or in quotes if it is a string.");
  // values that are wrong only together
  CHECK(with("train: {steps: 10, warmup: 11}") ==
        "f.yaml:3:28: train.warmup: it must not be larger than steps.");
  CHECK(with("model: {heads: 3, dim: 64}") == "f.yaml:3:16: model.heads: 3 does not divide model.dim (64).");
  CHECK(wrong("variants: [softmax]\ntask: {name: mqar, length: 8, pairs: 4}\n") ==
        "f.yaml:2:38: task.pairs: it must be at most length / 4.");
  // names
  CHECK(wrong("variants: [sofmax]\ntask: mqar\n") ==
        "f.yaml:1:12: variants[0]: unknown variant 'sofmax'. Did you mean 'softmax'? Known: softmax, linear, "
        "window, "
        "mean, tokenformer.");
  CHECK(wrong("variants: [softmax]\ntask: mqra\n") ==
        "f.yaml:2:7: task.name: unknown task 'mqra'. Did you mean 'mqar'? Known: mqar, text.");
  CHECK(with("model: {positions: lerned}") ==
        "f.yaml:3:20: model.positions: unknown kind of position 'lerned'. Did you mean 'learned'? Known: "
        "learned, rope, "
        "none.");
  CHECK(with("model: {feed_forward: softmax}") ==
        "f.yaml:3:23: model.feed_forward: 'softmax' is an attention variant, not a feed-forward. Known: "
        "pattention, mlp, none.");
  CHECK(with("name: a/b") ==
        "f.yaml:3:7: name: expected letters, digits, '-', '_' and '.' (it names a folder), found the string "
        "'a/b'.");
  CHECK(
      with("save: [weight]") ==
      "f.yaml:3:8: save: unknown value 'weight'. Did you mean 'weights'? Known: weights, attention, logits.");
  // variants
  CHECK(wrong("task: mqar\nvariants:\n  - window: {szie: 8}\n") ==
        "f.yaml:3:14: variants[0].window.szie: unknown option of 'window'. Did you mean 'size'? Known: size, "
        "dilation, "
        "global.");
  CHECK(wrong("task: mqar\nvariants: [{window: {size: [8, 0]}}]\n") ==
        "f.yaml:2:32: variants[0].window.size: 0 is out of range; it must be at least 1.");
  CHECK(wrong("task: mqar\nvariants: [mlp]\n") ==
        "f.yaml:2:12: variants[0]: 'mlp' does not mix along time; use it in model.feed_forward.");
  CHECK(wrong("task: mqar\nvariants: [softmax, {softmax: {temperature: 1.0}}]\n") ==
        "f.yaml:2:22: variants[1].softmax: softmax(temperature=1) is the same as the entry at f.yaml:2:12; "
        "remove one "
        "of them.");
  CHECK(wrong("task: mqar\nvariants: [{softmax: {}, linear: {}}]\n") ==
        "f.yaml:2:12: variants[0]: expected the name of a variant or {name: {option: value}}, found a map of "
        "2 keys.");
  CHECK(wrong("task: mqar\nvariants: [{mean: }]\n") ==
        "f.yaml:2:13: variants[0].mean: 'mean' cannot hide the future, which the task 'mqar' needs.");
  CHECK(wrong("task: {name: mqar, length: 16}\nvariants: [{window: {size: 17}}]\n") ==
        "f.yaml:2:13: variants[0].window: 'size' is more than the sequence is long.");
  CHECK(wrong("task: {name: text, path: gone.txt}\nvariants: [softmax, linear]\n") ==
        "f.yaml:1:7: task: gone.txt: No such file or directory.");
  // the sweep
  CHECK(with("sweep: {seeds: 0}") ==
        "f.yaml:3:16: sweep.seeds: 0 is out of range; it must be from 1 to 100000.");
  CHECK(with("sweep: {seeds: [1, 1]}") == "f.yaml:3:20: sweep.seeds: 1 is listed twice.");
  CHECK(with("sweep: {parameters: {lr: [1, 2]}}") ==
        "f.yaml:3:22: lr: a parameter's name is section and key. Did you mean 'train.lr'?");
  CHECK(with("sweep: {parameters: {train.lrr: [1, 2]}}") ==
        "f.yaml:3:22: train.lrr: there is no such parameter. Did you mean 'train.lr'? Known: train.steps, "
        "train.batch, train.lr, train.warmup, train.clip, train.dropout, train.micro_batch, "
        "train.evaluate_every, "
        "train.evaluate_sequences, train.test_sequences, train.checkpoint, train.optimizer, train.schedule, "
        "train.beta1, train.beta2, train.eps, train.weight_decay, train.momentum, train.min_lr.");
  CHECK(with("sweep: {parameters: {train.lr: 0.1}}") ==
        "f.yaml:3:32: train.lr: expected a list of values, found 0.1.");
  CHECK(with("sweep: {parameters: {train.lr: [0.1, high]}}") ==
        "f.yaml:3:38: train.lr: expected a number, found the string 'high'.");
  CHECK(with("sweep: {parameters: {train.lr: [0.001, 1e-3]}}") ==
        "f.yaml:3:40: train.lr: 0.001 is listed twice.");
  CHECK(with("sweep: {parameters: {train.lr: {min: 1, max: 2}}}") ==
        "f.yaml:3:32: train.lr: a range needs 'method: random'; a grid takes a list of values.");
  CHECK(with("sweep: {method: random, parameters: {train.lr: [1]}}") ==
        "f.yaml:3:8: sweep.trials: a random search needs the number of trials.");
  CHECK(with("sweep: {seed: 42}") ==
        "f.yaml:3:15: sweep.seed: it is the seed of a random search, and a grid draws nothing. Did you mean "
        "'seeds: [42]'?");
  CHECK(with("sweep: {trials: 3}") ==
        "f.yaml:3:17: sweep.trials: a grid has one trial per point. Did you mean 'method: "
        "random'?");
  CHECK(with("sweep: {method: random, trials: 2, parameters: {train.steps: {min: 1, max: 9}}}") ==
        "f.yaml:3:62: train.steps: it takes integers: write 'distribution: int_uniform'.");
  CHECK(with("sweep: {method: random, trials: 2, parameters: {train.lr: {min: -4, max: -2, distribution: "
             "log_uniform}}}") ==
        "f.yaml:3:59: train.lr: the bounds of log_uniform are values, not exponents, and must be above 0.");
  CHECK(with("sweep: {together: [{train.lr: 1, train.clip: 1}, {train.lr: 2}]}") ==
        "f.yaml:3:50: sweep.together: every entry must set the same keys; here train.lr, in the first entry "
        "train.clip, train.lr.");
  CHECK(with("sweep: {seeds: 1000, parameters: {train.lr: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], train.clip: [1, "
             "2, 3, 4, 5, 6, "
             "7, 8, 9, 10, 11]}}") == "f.yaml:1:1: the sweep has 110000 trials; at most 100000 are allowed.");
  // the comparison
  CHECK(with("compare: {metric: test_acuracy}") ==
        "f.yaml:3:19: compare.metric: 'test_acuracy' is no metric. Did you mean 'test_accuracy'? Known: "
        "test_accuracy, test_loss, test_accuracy_macro, final_validation_accuracy, final_validation_loss, "
        "plateau_step, solved_step, final_gradient_norm, attention_entropy, attention_on_answer, "
        "attention_on_distractors, "
        "attention_on_first, attention_effective_rank, attention_negative, parameters, parameters_attention, "
        "parameters_feed_forward, parameters_embedding, parameters_head, parameters_biases, "
        "parameters_norms, parameters_positions, forward_flops, training_flops, "
        "growth_difference, state_bytes, "
        "step_milliseconds, tokens_per_second, processor_seconds, peak_memory_bytes.");
  CHECK(with("compare: {reference: linear}") ==
        "f.yaml:3:22: compare.reference: 'linear' is no variant of this sweep. Known: softmax.");
  CHECK(with("compare: {select: train.lr}") ==
        "f.yaml:3:19: compare.select: 'train.lr' is no swept parameter.");
  CHECK(with("compare: {match: {budget: flops}}") ==
        "f.yaml:3:27: compare.match.budget: unknown value 'flops'. Known: none, parameters, train_flops, "
        "state_bytes, step_time.");
}

TEST_CASE("read_sweep: a name of something else is refused with what it is") {
  CHECK_THAT(wrong("variants: [mqar]\ntask: mqar\n"), ContainsSubstring("'mqar' is a task, not a variant."));
  CHECK_THAT(wrong("variants: [rope]\ntask: mqar\n"),
             ContainsSubstring("'rope' is a kind of position, not a variant."));
  CHECK_THAT(wrong("variants: [softmax]\ntask: linear\n"),
             ContainsSubstring("task.name: 'linear' is an attention variant, not a task."));
  CHECK_THAT(wrong(kSmall + "model: {positions: mlp}\n"),
             ContainsSubstring("model.positions: 'mlp' is a feed-forward, not a kind of position."));
  CHECK_THAT(wrong("variants: [mlp]\ntask: mqar\n"), ContainsSubstring("use it in model.feed_forward"));
}

TEST_CASE("read_sweep: a stack longer than the model is refused where it stands") {
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
             ContainsSubstring("f.yaml:2:21: variants[1]: model.feed_forward of this variant is pattention, "
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

TEST_CASE("a growth that cannot be is refused where it stands") {
  const auto grow = [](const std::string& stages, const std::string& more = "") {
    return wrong("task: mqar\nvariants:\n  - grow: " + stages + "\n" + more);
  };
  const std::string small = "{tokenformer: {tokens: 16}, steps: 300}";
  CHECK(grow("[" + small + "]") ==
        "f.yaml:3:11: variants[0].grow: expected a list of at least two stages, as [{tokenformer: {tokens: "
        "16}, "
        "steps: 500}, {tokenformer: {tokens: 64}}], found a list of 1.");
  CHECK(grow("[tokenformer, {tokenformer: {tokens: 99}}]") ==
        "f.yaml:3:12: variants[0].grow[0].steps: it is missing; give the training steps of this stage.");
  CHECK(grow("[{tokenformer: {tokens: 16}, steps: 0}, tokenformer]") ==
        "f.yaml:3:47: variants[0].grow[0].steps: expected an integer above 0, found 0.");
  CHECK(
      grow("[" + small + ", {tokenformer: {tokens: 8}}]") ==
      "f.yaml:3:5: variants[0].grow: 'blocks.0.attention.tokens' would shrink from 16 to 8 rows; a model can "
      "only become larger.");
  CHECK(grow("[" + small + ", {tokenformer: {tokens: 16}}]") ==
        "f.yaml:3:5: variants[0].grow: no parameter gets more rows.");
  CHECK(grow("[{window: {size: 8}, steps: 3}, {window: {size: 16}}]") ==
        "f.yaml:3:5: variants[0].grow: no parameter gets more rows.");
  CHECK(grow("[" + small + ", softmax]") ==
        "f.yaml:3:53: variants[0].grow[1]: 'tokenformer' cannot grow into 'softmax'.");
  CHECK(grow("[{softmax: {temperature: 1}, steps: 3}, {softmax: {temperature: 2}}]") ==
        "f.yaml:3:51: variants[0].grow[1]: temperature is 1 in the previous stage and 2 here; stages may "
        "differ only in numbers of parameter tokens.");
  CHECK(grow("[" + small + ", tokenformer]", "train: {steps: 300}") ==
        "f.yaml:3:5: variants[0].grow: the stages before the last take 300 updates of 300 (train.steps); "
        "shorten "
        "them, or give the last one steps of its own.");
  CHECK(grow("[" + small + ", {tokenformer: {tokens: 64}, steps: 10}]", "train: {warmup: 400}") ==
        "f.yaml:3:5: variants[0].grow: train.warmup (400) is more than its 310 updates.");
}

TEST_CASE("all mistakes of a file are reported together, in its order") {
  CHECK(
      wrong("variants:\n  - sofmax\n  - window: {szie: 8}\ntask: {name: mqar, lenght: 8}\nmodel: {heads: 3}\n"
            "train: {lr: -1}\nsweep: {seeds: x}\n") ==
      "f.yaml:2:5: variants[0]: unknown variant 'sofmax'. Did you mean 'softmax'? Known: softmax, linear, "
      "window, "
      "mean, tokenformer.\n"
      "f.yaml:3:14: variants[1].window.szie: unknown option of 'window'. Did you mean 'size'? Known: size, "
      "dilation, "
      "global.\n"
      "f.yaml:4:20: task.lenght: unknown option of 'mqar'. Did you mean 'length'? Known: length, pairs, "
      "vocab, "
      "shares.\n"
      "f.yaml:5:16: model.heads: 3 does not divide model.dim (64).\n"
      "f.yaml:6:13: train.lr: -1 is out of range; it must be at least 0.\n"
      "f.yaml:7:16: sweep.seeds: expected a number or a list of seeds, found the string 'x'.");
}

TEST_CASE("a mistake that many trials share is reported once") {
  CHECK(wrong("variants: [softmax, linear]\ntask: mqar\ntrain: {lr: x}\n"
              "sweep: {seeds: 5, parameters: {train.clip: [1, 2, 3]}}\n") ==
        "f.yaml:3:13: train.lr: expected a number, found the string 'x'.");
}

TEST_CASE("thousands of mistakes are counted and not all shown") {
  heed::Problems problems;
  read(kSmall + "sweep: {method: random, trials: 3000, parameters: {train.beta1: {min: 2, max: 3}}}\n", {},
       problems);
  CHECK(problems.lines().size() == 100);
  CHECK(problems.size() > 2900);
  CHECK_THROWS_WITH(problems.throw_if_any(), ContainsSubstring(" more like these."));
}
