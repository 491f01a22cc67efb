#include "experiments/sweep/sweep.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/sweep/combinations.h"
#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::Config;
using heed::PlannedTrial;
using heed::Sweep;

bool contains_all(const Texts& all, const Texts& some) {
  const std::set<std::string> set(all.begin(), all.end());
  return std::all_of(some.begin(), some.end(), [&](const std::string& s) { return set.contains(s); });
}

}  // namespace

TEST_CASE("read_sweep: an integer with an exponent is that integer, with the same ids") {
  const auto with = [](const std::string& size, const std::string& steps, const std::string& batches,
                       const Texts& overrides = {}) {
    return ids(good("variants: [{window: {size: " + size + "}}]\ntask: {name: mqar, length: " + size +
                        "}\ntrain: {steps: " + steps +
                        "}\nsweep: {seeds: 2, parameters: {train.batch: " + batches + "}}\n",
                    overrides));
  };
  const Texts expected = with("100", "10000", "[64, 1500]");
  CHECK(expected.size() == 4);
  CHECK(with("1e2", "1e4", "[64, 1.5e3]") == expected);
  CHECK(with("100", "7", "[64, 1500]", {"train.steps=1e4", "sweep.seeds=2e0"}) == expected);
  CHECK(with("9", "10000", "[9]", {"variants.window.size=1e2", "task.length=1e2", "train.batch=[64,15e2]"}) ==
        expected);
}

TEST_CASE("to_config: a resolved trial contains every default") {
  const Sweep sweep = good("variants: [tokenformer]\ntask: mqar\n");
  REQUIRE(sweep.trials.size() == 1);
  CHECK(
      heed::to_config(sweep.trials[0].config).canonical() ==
      "{attention: {name: tokenformer, tokens: 64}, "
      "model: {bias: true, dim: 64, feed_forward: {name: pattention, norm: gelu_l2, tokens: 256}, heads: 2, "
      "layers: 2, norm: layer, norm_eps: 1e-05, positions: {name: learned}, tied: false, "
      "type: decoder}, save: {attention: false, logits: false, weights: false}, seed: 0, "
      "task: {length: 64, name: mqar, pairs: 4, shares: [0.9, 0.1], vocab: 256}, "
      "train: {batch: 64, beta1: 0.9, beta2: 0.999, checkpoint: 30s, clip: 1, dropout: 0, eps: 1e-08, "
      "evaluate_every: 0, "
      "evaluate_sequences: 512, lr: 0.001, micro_batch: 0, min_lr: 0, optimizer: adamw, schedule: cosine, "
      "steps: 1000, test_sequences: 1024, warmup: 0, weight_decay: 0.1}, variant: tokenformer}");
  CHECK(sweep.name == "f");
}

TEST_CASE("to_config: a resolved trial reads back from its text") {
  const Sweep sweep = good(
      "variants: [{stack: [softmax, {window: {size: 8, global: [0, 3]}}]}, linear]\ntask: mqar\nsave: "
      "[weights, logits]\n"
      "model: {positions: {rope: {base: 500}}, feed_forward: none}\nsweep: {seeds: [7]}\n");
  for (const PlannedTrial& t : sweep.trials) {
    const heed::TrialConfig back = heed::trial_from_config(heed::to_config(t.config));
    CHECK(heed::to_config(back).canonical() == heed::to_config(t.config).canonical());
    CHECK(heed::trial_id(back) == t.id);
    CHECK(back.seed == 7);
  }
  CHECK_THROWS_AS(heed::trial_from_config(Config::map()), heed::ConfigError);
}

TEST_CASE("trial_id: ids do not change with comments, order of keys or spelling of numbers") {
  const Texts plain =
      ids(good("variants: [softmax, {window: {size: 8}}]\ntask: {name: mqar, length: 32}\n"
               "train: {lr: 0.001, steps: 100}\nsweep: {parameters: {train.batch: [8, 16]}}\n"));
  CHECK(plain.size() == 4);
  CHECK(ids(good("# what for\nsweep:\n  parameters:\n    train.batch: {values: [8, 16]}\ntrain: {steps: 100, "
                 "lr: 1e-3}\n"
                 "task: {length: 32, name: mqar}\nvariants:\n  - softmax\n  - window:\n      size: 8\n")) ==
        plain);
  CHECK(ids(good("variants: [softmax, {window: {size: 8}}]\ntask: {name: mqar, length: 32}\n"
                 "train: {lr: 0.002, steps: 100}\nsweep: {parameters: {train.batch: [8, 16]}}\n")) != plain);
}

TEST_CASE("trial_id: the id of a known trial is unchanged (another id would make old results look new)") {
  CHECK(good(kSmall).trials.at(0).id == "8167d24f97a859d8");
}

TEST_CASE("trial_id: model.linear_bias changes an id only if it is false") {
  const Sweep sweep = good(kSmall + "sweep: {parameters: {model.linear_bias: [true, false]}}\n");
  REQUIRE(sweep.trials.size() == 2);
  CHECK(sweep.trials[0].id == good(kSmall).trials.at(0).id);
  CHECK(sweep.trials[1].id != sweep.trials[0].id);
  CHECK_FALSE(heed::trial_from_config(heed::to_config(sweep.trials[1].config)).model.linear_bias);
}

TEST_CASE("trial_id: a label does not change an id") {
  const Sweep one = good("variants: [{window: {size: 8}}]\ntask: mqar\n");
  const Sweep two = good("variants: [{window: {size: [8, 9]}}]\ntask: mqar\n");
  CHECK(one.trials[0].config.variant == "window");
  CHECK(two.trials[0].config.variant == "window(size=8)");
  CHECK(one.trials[0].id == two.trials[0].id);
}

TEST_CASE("variants: options that are lists are crossed within their variant") {
  CHECK(labels(
            good("variants: [softmax, {window: {size: [8, 16], dilation: [1, 2]}}, linear]\ntask: mqar\n")) ==
        Texts{"softmax", "window(size=8,dilation=1)", "window(size=8,dilation=2)",
              "window(size=16,dilation=1)", "window(size=16,dilation=2)", "linear"});
  SECTION("an option that takes a list takes a list of lists for crossing") {
    const Sweep sweep = good(
        "variants: [{window: {global: [0, 3]}}, {window: {size: 4, global: [[0], [1, 2]]}}]\ntask: mqar\n");
    CHECK(labels(sweep) == Texts{"window", "window(global=[0])", "window(global=[1, 2])"});
    CHECK(sweep.trials[0].config.attention[0].options.find("global")->canonical() == "[0, 3]");
    CHECK(sweep.trials[2].config.attention[0].options.find("global")->canonical() == "[1, 2]");
  }
  SECTION("entries that would look alike show all that was given") {
    CHECK(labels(good("variants: [{window: {size: 8}}, {window: {size: 4}}, softmax]\ntask: mqar\n")) ==
          Texts{"window(size=8)", "window(size=4)", "softmax"});
  }
  SECTION("a stack is one variant") {
    const Sweep sweep = good("variants: [{stack: [softmax, {window: {size: 8}}]}]\ntask: mqar\n");
    CHECK(labels(sweep) == Texts{"softmax+window"});
    CHECK(sweep.trials[0].config.attention.size() == 2);
    CHECK(labels(good("variants: [{stack: [softmax, {window: {size: [8, 4]}}]}]\ntask: mqar\n")) ==
          Texts{"softmax+window(size=8)", "softmax+window(size=4)"});
  }
}

TEST_CASE("variants: a variant that grows is trained in stages") {
  const std::string grow = "grow: [{tokenformer: {tokens: 16}, steps: 300}, {tokenformer: {tokens: 64}";
  const Sweep sweep = good("variants: [{tokenformer: {tokens: 64}}, {" + grow + "}]}, {" + grow +
                           ", steps: 900}]}]\ntask: mqar\n");
  CHECK(labels(sweep) == Texts{"tokenformer", "tokenformer(tokens=16,steps=300)>tokenformer(tokens=64)",
                               "tokenformer(tokens=16,steps=300)>tokenformer(tokens=64,steps=900)"});
  const heed::TrialConfig &scratch = sweep.trials[0].config, &grown = sweep.trials[1].config;
  CHECK(scratch.grow.empty());
  CHECK(grown.attention[0].options.canonical() == scratch.attention[0].options.canonical());
  CHECK(grown.feed_forward.options.canonical() == scratch.feed_forward.options.canonical());
  REQUIRE(grown.grow.size() == 1);
  CHECK(grown.grow[0].attention.options.canonical() == "{tokens: 16}");
  CHECK(grown.grow[0].feed_forward.options.canonical() == "{norm: gelu_l2, tokens: 64}");
  CHECK(grown.grow[0].steps == 300);
  CHECK(grown.train.steps == 1000);  // the last stage has what is left
  CHECK(sweep.trials[2].config.train.steps == 1200);
  for (const PlannedTrial& t : sweep.trials) {
    const heed::TrialConfig back = heed::trial_from_config(heed::to_config(t.config));
    CHECK(heed::to_config(back).canonical() == heed::to_config(t.config).canonical());
    CHECK(heed::trial_id(back) == t.id);
  }
  SECTION("options of its stages are crossed,") {
    const std::string text =
        "variants: [{grow: [{tokenformer: {tokens: [8, 16]}, steps: 300}, {tokenformer: {tokens: 64}}]}]\n"
        "task: mqar\n";
    CHECK(labels(good(text)) == Texts{"tokenformer(tokens=8)>tokenformer(tokens=64)",
                                      "tokenformer(tokens=16)>tokenformer(tokens=64)"});
  }
}

TEST_CASE("plan order: seeds are outermost, then together, then parameters, then variants") {
  const Sweep sweep = good(
      "variants: [softmax, linear]\ntask: mqar\nsweep:\n  seeds: 2\n  parameters: {train.lr: [0.1, 0.2]}\n"
      "  together:\n    - {task.length: 32, task.pairs: 8}\n    - {task.length: 64, task.pairs: 16}\n");
  REQUIRE(sweep.trials.size() == 16);
  const auto at = [&](std::size_t i) {
    const heed::TrialConfig& c = sweep.trials[i].config;
    return c.variant + ' ' + sweep.trials[i].setting + ' ' + std::to_string(c.seed);
  };
  CHECK(at(0) == "softmax length=32 pairs=8 lr=0.1 0");
  CHECK(at(1) == "linear length=32 pairs=8 lr=0.1 0");
  CHECK(at(2) == "softmax length=32 pairs=8 lr=0.2 0");
  CHECK(at(4) == "softmax length=64 pairs=16 lr=0.1 0");
  CHECK(at(8) == "softmax length=32 pairs=8 lr=0.1 1");
  CHECK(sweep.trials[0].config.swept == Texts{"task.length", "task.pairs", "train.lr"});
}

TEST_CASE("plan order: a sweep that gets more values keeps its ids") {
  const std::string head = "task: mqar\n";
  const Texts before = ids(good(
      head + "variants: [softmax, {window: {size: 8}}]\nsweep: {seeds: 2, parameters: {train.lr: [0.1]}}\n"));
  const auto grown = [&](const std::string& text) { return contains_all(ids(good(head + text)), before); };
  CHECK(
      grown("variants: [softmax, {window: {size: 8}}]\nsweep: {seeds: 5, parameters: {train.lr: [0.1]}}\n"));
  CHECK(
      grown("variants: [linear, softmax, {window: {size: [4, 8]}}]\nsweep: {seeds: 2, parameters: {train.lr: "
            "[0.1]}}\n"));
  CHECK(
      grown("variants: [softmax, {window: {size: 8}}]\nsweep: {seeds: 2, parameters: {train.lr: [0.3, 0.1], "
            "train.clip: [0, 1]}}\n"));
  CHECK_FALSE(grown("variants: [softmax]\nsweep: {seeds: 2, parameters: {train.lr: [0.1]}}\n"));
}

TEST_CASE("random search: a draw depends only on the seed and the trial's number") {
  const auto search = [](const std::string& trials, const std::string& more = "") {
    return good(kSmall + "sweep:\n  method: random\n  trials: " + trials + "\n  parameters:\n" + more +
                "    train.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform}\n"
                "    train.batch: {min: 1, max: 4, distribution: int_uniform}\n"
                "    train.beta2: {min: 0.9, max: 0.99}\n"
                "    train.clip: [0.5, 2]\n");
  };
  const Sweep fifty = search("50"), eighty = search("80");
  REQUIRE(fifty.trials.size() == 50);
  REQUIRE(eighty.trials.size() == 80);
  CHECK(std::equal(fifty.trials.begin(), fifty.trials.end(), eighty.trials.begin(),
                   [](const PlannedTrial& a, const PlannedTrial& b) { return a.id == b.id; }));
  CHECK(rates(search("50", "    train.eps: [1e-8, 1e-6]\n")) == rates(fifty));

  std::set<heed::Index> batches;
  int low = 0;
  for (const PlannedTrial& t : eighty.trials) {
    const heed::TrainOptions& o = t.config.train;
    batches.insert(o.batch);
    low += o.lr < 1e-3;
    CHECK((o.lr >= 1e-4 && o.lr <= 1e-2));
    double beta2 = 0;
    REQUIRE(t.config.method.options.find("beta2")->read(beta2));
    CHECK((beta2 >= 0.9 && beta2 <= 0.99));
    CHECK((o.clip == 0.5 || o.clip == 2));
  }
  CHECK(batches == std::set<heed::Index>{1, 2, 3, 4});
  CHECK((low > 25 && low < 55));  // half of the decades
  CHECK(rates(search("50\n  seed: 1")) != rates(fifty));
}

TEST_CASE("random search: a note says if the draws are fewer different points") {
  const auto search = [](const std::string& values) {
    return good(kSmall + "sweep: {method: random, trials: 50, parameters: {train.clip: " + values + "}}\n");
  };
  const Sweep two = search("[0.5, 2]");
  CHECK(two.trials.size() == 2);
  CHECK(two.notes ==
        Texts{"sweep.trials: the 50 draws are only 2 different points, so each variant has 2 trials per "
              "seed."});
  CHECK(search("{min: 0.5, max: 2}").notes.empty());
}

TEST_CASE("combinations: the last place changes fastest, and too many are refused") {
  using Places = std::vector<std::vector<std::size_t>>;
  CHECK(heed::combinations({2, 1, 2}, 4) == Places{{0, 0, 0}, {0, 0, 1}, {1, 0, 0}, {1, 0, 1}});
  CHECK(heed::combinations({}, 1) == Places{{}});
  CHECK(heed::combinations({3, 0}, 9) == Places{});
  CHECK_FALSE(heed::combinations({2, 3}, 5));
}

TEST_CASE("read_sweep: sweeps in the format of W&B are read") {
  CHECK(rates(good(kSmall +
                   "sweep: {parameters: {train.lr: {values: [0.1, 0.2]}, train.batch: {value: 3}}}\n")) ==
        std::vector<double>{0.1, 0.2});
}

TEST_CASE("variants: a variant's own feed-forward takes the slot, but not in a stack") {
  const auto feed_forward = [](const std::string& variants) {
    return good("variants: " + variants + "\ntask: mqar\nmodel: {feed_forward: {mlp: {width: 9}}}\n")
        .trials.at(0)
        .config.feed_forward;
  };
  CHECK(feed_forward("[{tokenformer: {tokens: 3}}]").name == "pattention");
  CHECK(feed_forward("[{tokenformer: {tokens: 3}}]").options.canonical() == "{norm: gelu_l2, tokens: 12}");
  CHECK(feed_forward("[softmax]").options.canonical() == "{width: 9}");
  CHECK(feed_forward("[{stack: [softmax, tokenformer]}]").name == "mlp");
  const auto without = good("variants: [tokenformer]\ntask: mqar\nmodel: {feed_forward: none}\n");
  CHECK(without.trials.at(0).config.feed_forward.name == "none");
}

TEST_CASE("read_sweep: a setting that a random search draws twice is trained once") {
  CHECK(
      good(
          "variants: [softmax]\ntask: mqar\nsweep: {method: random, trials: 9, parameters: {train.batch: [1, "
          "2]}}\n")
          .trials.size() == 2);
}

TEST_CASE("read_sweep: without a test split the metric is of validation") {
  const std::string untested = "variants: [softmax]\ntask: {name: text, path: untested.txt}\n";
  CHECK(good(untested).compare.metric == "final_validation_accuracy");
  CHECK(good(untested, {"compare.metric=final_validation_loss"}).compare.metric == "final_validation_loss");
  CHECK(good("variants: [softmax]\ntask: mqar\n").compare.metric == "test_accuracy");
  const std::string swept =
      "variants: [softmax]\ntask: text\nsweep: {parameters: {task.path: [a.txt, untested.txt]}}\n";
  CHECK(good(swept).compare.metric == "final_validation_accuracy");
}

TEST_CASE("compare.reference: it may be one setting of a variant") {
  const auto values = [](const std::string& reference, const std::string& parameters,
                         const Texts& overrides = {}) {
    const heed::CompareOptions compare =
        good(kSmall + "sweep: {parameters: {" + parameters + "}}\ncompare: {reference: " + reference + "}\n",
             overrides)
            .compare;
    std::string text = compare.reference;
    for (const auto& [path, value] : compare.reference_values) text += ' ' + path + '=' + value;
    return text;
  };
  const std::string positions = "model.positions: [learned, {rope: {base: 5}}]";
  CHECK(values("{variant: softmax, model.positions: rope}", positions) ==
        "softmax model.positions.name=rope");
  CHECK(values("{variant: softmax, model.positions: {rope: {base: 5.0}}}", positions) ==
        "softmax model.positions.name=rope model.positions.base=5");
  CHECK(values("{variant: softmax, train.lr: 1e-3}", "train.lr: [0.001, 0.1]") == "softmax train.lr=0.001");
  CHECK(values("{variant: softmax, train.optimizer: {sgd: {momentum: 0.5}}}",
               "train.optimizer: [adamw, {sgd: {momentum: 0.5}}]") ==
        "softmax train.optimizer=sgd train.momentum=0.5");
  CHECK(
      values("{variant: softmax, model.feed_forward.mlp.width: 8}", "model.feed_forward.mlp.width: [4, 8]") ==
      "softmax model.feed_forward.name=mlp model.feed_forward.width=8");
  // A resolved configuration leaves it out at its default.
  CHECK(values("{variant: softmax, train.precision: float32}", "train.precision: [float32, bfloat16]") ==
        "softmax train.precision=float32");
  // A value that is not swept is one that the row has.
  CHECK(values("{variant: softmax, train.steps: 1000}", "train.lr: [1, 2]") == "softmax train.steps=1000");
  // Overrides that remove the variant or the value.
  CHECK(values("{variant: softmax, train.lr: 1}", "train.lr: [1, 2]", {"train.lr=5"}) == "softmax");
  CHECK(values("{variant: softmax, train.lr: 1}", "train.lr: [1, 2]", {"variants=[linear]"}) == "linear");
}
