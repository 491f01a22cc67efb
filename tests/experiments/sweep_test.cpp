#include "experiments/sweep.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/sweep_file.h"
#include "tests/catch.h"
#include "tests/experiments/fakes.h"

namespace {

using heed::Config;
using heed::PlannedTrial;
using heed::Sweep;
using Texts = std::vector<std::string>;

Sweep read(const std::string& text, const Texts& overrides, heed::Problems& problems) {
  static const heed::Registry registry = heed::test::fake_registry();
  const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, registry, problems);
  return file ? heed::read_sweep(file->tree, "f", registry, problems) : Sweep{};
}

Sweep good(const std::string& text, const Texts& overrides = {}) {
  heed::Problems problems;
  Sweep sweep = read(text, overrides, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return sweep;
}

// Everything that is wrong, a line each.
std::string wrong(const std::string& text, const Texts& overrides = {}) {
  heed::Problems problems;
  read(text, overrides, problems);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

Texts labels(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.variant);
  return out;
}

Texts ids(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.id);
  return out;
}

std::vector<double> rates(const Sweep& sweep) {
  std::vector<double> out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.train.lr);
  return out;
}

bool contains_all(const Texts& all, const Texts& some) {
  const std::set<std::string> set(all.begin(), all.end());
  return std::all_of(some.begin(), some.end(), [&](const std::string& s) { return set.contains(s); });
}

const std::string kSmall = "variants: [softmax]\ntask: {name: mqar}\n";

}  // namespace

TEST_CASE("a trial is resolved: no default is left unsaid") {
  const Sweep sweep = good("variants: [tokenformer]\ntask: mqar\n");
  REQUIRE(sweep.trials.size() == 1);
  CHECK(
      heed::to_config(sweep.trials[0].config).canonical() ==
      "{attention: {name: tokenformer, tokens: 64}, "
      "model: {bias: true, dim: 64, feed_forward: {name: pattention, norm: gelu_l2, tokens: 256}, heads: 2, "
      "layers: 2, norm: layer, norm_eps: 1e-05, positions: {name: learned}, tied: false}, "
      "save: {attention: false, logits: false, weights: false}, seed: 0, "
      "task: {length: 64, name: mqar, pairs: 4, shares: [0.9, 0.1], vocab: 256}, "
      "train: {batch: 64, beta1: 0.9, beta2: 0.999, clip: 1, eps: 1e-08, evaluate_every: 0, "
      "evaluate_sequences: 512, lr: 0.001, micro_batch: 0, min_lr: 0, steps: 1000, test_sequences: 1024, "
      "warmup: 0, weight_decay: 0.1}, variant: tokenformer}");
  CHECK(sweep.name == "f");
}

TEST_CASE("a resolved trial survives its text") {
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

TEST_CASE("ids do not change with comments, order of keys or spelling of numbers") {
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

TEST_CASE("this id stays: a change of it would make every old result look new") {
  CHECK(good(kSmall).trials.at(0).id == "8167d24f97a859d8");
}

TEST_CASE("a label does not change an id") {
  const Sweep one = good("variants: [{window: {size: 8}}]\ntask: mqar\n");
  const Sweep two = good("variants: [{window: {size: [8, 9]}}]\ntask: mqar\n");
  CHECK(one.trials[0].config.variant == "window");
  CHECK(two.trials[0].config.variant == "window(size=8)");
  CHECK(one.trials[0].id == two.trials[0].id);
}

TEST_CASE("options that are lists are crossed for their variant alone") {
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

TEST_CASE("the plan goes through variants, then together, then parameters, then seeds") {
  const Sweep sweep = good(
      "variants: [softmax, linear]\ntask: mqar\nsweep:\n  seeds: 2\n  parameters: {train.lr: [0.1, 0.2]}\n"
      "  together:\n    - {task.length: 32, task.pairs: 8}\n    - {task.length: 64, task.pairs: 16}\n");
  REQUIRE(sweep.trials.size() == 16);
  const auto at = [&](std::size_t i) {
    const heed::TrialConfig& c = sweep.trials[i].config;
    return c.variant + ' ' + sweep.trials[i].setting + ' ' + std::to_string(c.seed);
  };
  CHECK(at(0) == "softmax length=32 pairs=8 lr=0.1 0");
  CHECK(at(1) == "softmax length=32 pairs=8 lr=0.1 1");
  CHECK(at(2) == "softmax length=32 pairs=8 lr=0.2 0");
  CHECK(at(4) == "softmax length=64 pairs=16 lr=0.1 0");
  CHECK(at(8) == "linear length=32 pairs=8 lr=0.1 0");
  CHECK(sweep.trials[0].config.swept == Texts{"task.length", "task.pairs", "train.lr"});
}

TEST_CASE("a grown sweep keeps the ids it had") {
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

TEST_CASE("a random search draws by its seed and the trial's number alone") {
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
    CHECK((o.beta2 >= 0.9 && o.beta2 <= 0.99));
    CHECK((o.clip == 0.5 || o.clip == 2));
  }
  CHECK(batches == std::set<heed::Index>{1, 2, 3, 4});
  CHECK((low > 25 && low < 55));  // half of the decades
  CHECK(rates(search("50\n  seed: 1")) != rates(fifty));
}

TEST_CASE("sweeps as W&B writes them are read") {
  CHECK(rates(good(kSmall +
                   "sweep: {parameters: {train.lr: {values: [0.1, 0.2]}, train.batch: {value: 3}}}\n")) ==
        std::vector<double>{0.1, 0.2});
}

TEST_CASE("overrides change any key, and lists make axes") {
  CHECK(rates(good(kSmall, {"train.lr=0.5"})) == std::vector<double>{0.5});
  CHECK(rates(good(kSmall, {"train.lr=[1e-3,3e-3]"})) == std::vector<double>{0.001, 0.003});
  CHECK(good(kSmall, {"sweep.seeds=3"}).trials.size() == 3);
  CHECK(good(kSmall, {"name=other"}).name == "other");
  CHECK(labels(good(kSmall, {"variants=[linear, window]"})) == Texts{"linear", "window"});
  CHECK(labels(good(kSmall, {"variants=[linear, window]", "variants.window.size=[3, 4]"})) ==
        Texts{"linear", "window(size=3)", "window(size=4)"});
  CHECK(good(kSmall, {"task.shares=[0.5, 0.5]"}).trials.size() == 1);
  CHECK(good(kSmall, {"task.shares=[[0.5, 0.5], [1, 0]]"}).trials.size() == 2);
  const Sweep positions = good(kSmall, {"model.positions=[{rope: {base: 500}}, learned]"});
  REQUIRE(positions.trials.size() == 2);
  CHECK(positions.trials[0].setting == "positions=rope(base=500)");
  CHECK(positions.trials[1].setting == "positions=learned");
  CHECK(good(kSmall, {"model.positions.rope.base=100"}).trials[0].config.positions.options.canonical() ==
        "{base: 100}");
  CHECK(good(kSmall, {"task=text", "task.path=b.txt"}).trials[0].config.task.name == "text");
  SECTION("an override of a swept key replaces its axis") {
    const std::string swept = kSmall + "sweep: {parameters: {train.lr: [0.1, 0.2]}}\n";
    CHECK(rates(good(swept, {"train.lr=0.3"})) == std::vector<double>{0.3});
    CHECK(rates(good(swept, {"train.lr=[0.3, 0.4]"})) == std::vector<double>{0.3, 0.4});
    CHECK(rates(good(swept, {"sweep.parameters.train.lr=[0.5]"})) == std::vector<double>{0.5});
  }
  SECTION("mistakes stand on the command line") {
    CHECK(wrong(kSmall, {"train.lr=fast"}) ==
          "command line: train.lr: expected a number, found the text 'fast'.");
    CHECK(
        wrong(kSmall, {"trian.lr=1"}) ==
        "command line: trian: unknown key. Did you mean 'train'? Known: name, variants, task, model, train, "
        "sweep, compare, save.");
    CHECK(wrong(kSmall, {"train.lr"}) ==
          "command line: 'train.lr' is not understood; an override is key=value, as train.lr=0.001.");
    CHECK(wrong(kSmall, {"train.lr="}) == "command line: train.lr: a value is missing behind '='.");
    CHECK(wrong(kSmall, {"variants.linear.features=elu"}) ==
          "command line: variants.linear.features: no entry of variants has this name; write "
          "variants.NAME.OPTION=value for one that is there, or variants=[...] for the whole list.");
  }
  SECTION("what the file compares by may be gone: the first variant is the reference, nothing is selected") {
    const std::string compared =
        "variants: [softmax, window]\ntask: mqar\nsweep: {parameters: {train.lr: [0.1, "
        "0.2]}}\ncompare: {reference: softmax, select: train.lr}\n";
    const auto settled = [](const std::string& text, const Texts& overrides) {
      static const heed::Registry registry = heed::test::fake_registry();
      heed::Problems problems;
      const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, registry, problems);
      const heed::CompareOptions compare = good(text, overrides).compare;
      // The text for the run directory says the same without the overrides.
      CHECK(good(file->text).compare.reference == compare.reference);
      CHECK(good(file->text).compare.select == compare.select);
      return Texts{compare.reference, compare.select, fmt::format("{}", fmt::join(file->notes, "\n"))};
    };
    CHECK(settled(compared, {}) == Texts{"softmax", "train.lr", ""});
    CHECK(settled(compared, {"variants=[linear, softmax]"}) == Texts{"softmax", "train.lr", ""});
    CHECK(
        settled(compared, {"variants=[linear, {window: {size: 3}}]"}) ==
        Texts{"linear", "train.lr",
              "compare.reference: 'softmax' is not among the variants of the command line; the reference is "
              "the first of them, 'linear'."});
    CHECK(settled(compared, {"train.lr=0.3"}) ==
          Texts{"softmax", "",
                "compare.select: 'train.lr' has one value by the command line; nothing is selected."});
    CHECK(settled(compared, {"train.lr=[0.3, 0.4]"}) == Texts{"softmax", "train.lr", ""});
    CHECK(settled("variants: [window]\ntask: mqar\ncompare: {reference: window}\n",
                  {"variants.window.size=[3, 4]"})[0] == "window(size=3)");
    // What is wrong by itself is refused all the same.
    CHECK(wrong("variants: [softmax]\ntask: mqar\ncompare: {reference: sofmax}\n",
                {"variants=[softmax, linear]"}) ==
          "f.yaml:3:22: compare.reference: 'sofmax' is no variant of this sweep. Did you mean 'softmax'? "
          "Known: "
          "softmax, linear.");
    CHECK(wrong(compared, {"variants=[linear]", "compare.reference=softmax"}) ==
          "command line: compare.reference: 'softmax' is no variant of this sweep. Known: linear.");
  }
  SECTION("the text for the run directory has them, and reads back to the same trials") {
    static const heed::Registry registry = heed::test::fake_registry();
    heed::Problems problems;
    const std::string text = kSmall + "# why\n";
    CHECK(heed::parse_sweep_file(text, "f.yaml", {}, registry, problems)->text == text);
    const Texts overrides = {"train.lr=[1e-3, 3e-3]", "variants=[{window: {size: [2, 3]}}, linear]"};
    const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, registry, problems);
    CHECK(problems.empty());
    CHECK(ids(good(file->text)) == ids(good(text, overrides)));
  }
}

TEST_CASE("a variant's own feed-forward takes the slot, but not in a stack") {
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

TEST_CASE("trials that come out equal are run once") {
  CHECK(good("variants: [softmax, tokenformer]\ntask: mqar\nsweep: {parameters: {model.feed_forward: [mlp, "
             "{mlp: {width: 9}}]}}\n")
            .trials.size() == 3);
}

TEST_CASE("each mistake in a sweep file has its place, its key, what was found and what would be right") {
  const std::string options_of_train =
      "steps, batch, lr, min_lr, warmup, weight_decay, beta1, beta2, eps, clip, micro_batch, evaluate_every, "
      "evaluate_sequences, test_sequences";
  const auto with = [](const std::string& line) { return wrong(kSmall + line + '\n'); };

  // unknown and missing keys
  CHECK(with("trian: {lr: 1}") ==
        "f.yaml:3:1: trian: unknown key. Did you mean 'train'? Known: name, variants, task, model, train, "
        "sweep, "
        "compare, save.");
  CHECK(with("train: {lrr: 1}") ==
        "f.yaml:3:9: train.lrr: unknown option of 'train'. Did you mean 'lr'? Known: " + options_of_train +
            ".");
  CHECK(with("model: {postions: rope}") ==
        "f.yaml:3:9: model.postions: unknown option of 'model'. Did you mean 'positions'? Known: layers, "
        "heads, dim, "
        "norm, norm_eps, bias, tied, positions, feed_forward.");
  CHECK(with("limits: {memory: 1}") ==
        "f.yaml:3:1: limits: unknown key. Known: name, variants, task, model, train, sweep, compare, save.");
  CHECK(wrong("task: mqar\n") ==
        "f.yaml:1:1: variants: the list is missing; name what is to be compared, as [softmax, linear].");
  CHECK(wrong("variants: [softmax]\n") == "f.yaml:1:1: task: the section is missing. Known: mqar, text.");
  CHECK(wrong("variants: [softmax]\ntask: {length: 8}\n") ==
        "f.yaml:2:7: task.name: it is missing. Known: mqar, text.");
  // duplicate keys
  CHECK(with("train: {lr: 1}\nmodel: {dim: 8}\ntrain: {steps: 1}") ==
        "f.yaml:5:1: 'train' stands here twice; it is already on line 3.");
  // types and ranges
  CHECK(with("train: {steps: 1.5}") == "f.yaml:3:16: train.steps: expected a whole number, found 1.5.");
  CHECK(with("train: {lr: \"1\"}") == "f.yaml:3:13: train.lr: expected a number, found the text '1'.");
  CHECK(with("train: {lr: [1, 2]}") == "f.yaml:3:13: train.lr: expected a number, found a list of 2.");
  CHECK(with("train: {lr:}") == "f.yaml:3:9: train.lr: expected a number, found nothing.");
  CHECK(with("train: fast") ==
        "f.yaml:3:8: train: the options of 'train' must be a map, not the text 'fast'.");
  CHECK(with("model: {bias: yes}") ==
        "f.yaml:3:15: model.bias: expected true or false, found the text 'yes'.");
  CHECK(with("train: {beta1: 2}") == "f.yaml:3:16: train.beta1: 2 is out of range; it must be from 0 to 1.");
  CHECK(with("model: {norm: batch}") == "f.yaml:3:15: model.norm: unknown value 'batch'. Known: layer, rms.");
  CHECK(with("train: {steps: 010}") ==
        "f.yaml:3:16: 010 begins with a zero, which some readers take for an octal number; write it without "
        "the "
        "zero, or in quotes if it is a text.");
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
        "f.yaml:3:20: model.positions: unknown name 'lerned'. Did you mean 'learned'? Known: learned, rope, "
        "none.");
  CHECK(with("model: {feed_forward: softmax}") ==
        "f.yaml:3:23: model.feed_forward: unknown name 'softmax'. Known: pattention, mlp, none.");
  CHECK(with("name: a/b") ==
        "f.yaml:3:7: name: expected letters, digits, '-', '_' and '.' (it names a folder), found the text "
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
        "f.yaml:2:12: variants[0]: 'mlp' does not mix along time; it can stand in model.feed_forward.");
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
  CHECK(with("sweep: {seeds: [1, 1]}") == "f.yaml:3:20: sweep.seeds: 1 stands there twice.");
  CHECK(with("sweep: {parameters: {lr: [1, 2]}}") ==
        "f.yaml:3:22: lr: a parameter is named by section and key. Did you mean 'train.lr'?");
  CHECK(with("sweep: {parameters: {train.lrr: [1, 2]}}") ==
        "f.yaml:3:22: train.lrr: there is no such parameter. Did you mean 'train.lr'? Known: train.steps, "
        "train.batch, "
        "train.lr, train.min_lr, train.warmup, train.weight_decay, train.beta1, train.beta2, train.eps, "
        "train.clip, "
        "train.micro_batch, train.evaluate_every, train.evaluate_sequences, train.test_sequences.");
  CHECK(with("sweep: {parameters: {train.lr: 0.1}}") ==
        "f.yaml:3:32: train.lr: expected a list of values, found 0.1.");
  CHECK(with("sweep: {parameters: {train.lr: [0.1, high]}}") ==
        "f.yaml:3:38: train.lr: expected a number, found the text 'high'.");
  CHECK(with("sweep: {parameters: {train.lr: [0.001, 1e-3]}}") ==
        "f.yaml:3:40: train.lr: 0.001 stands in the list twice.");
  CHECK(with("sweep: {parameters: {train.lr: {min: 1, max: 2}}}") ==
        "f.yaml:3:32: train.lr: a range needs 'method: random'; a grid takes a list of values.");
  CHECK(with("sweep: {method: random, parameters: {train.lr: [1]}}") ==
        "f.yaml:3:8: sweep.trials: a random search must say how many trials it takes.");
  CHECK(with("sweep: {trials: 3}") ==
        "f.yaml:3:17: sweep.trials: a grid has as many trials as it has points. Did you mean 'method: "
        "random'?");
  CHECK(with("sweep: {method: random, trials: 2, parameters: {train.steps: {min: 1, max: 9}}}") ==
        "f.yaml:3:62: train.steps: it takes whole numbers: write 'distribution: int_uniform'.");
  CHECK(with("sweep: {method: random, trials: 2, parameters: {train.lr: {min: -4, max: -2, distribution: "
             "log_uniform}}}") ==
        "f.yaml:3:59: train.lr: the bounds of log_uniform are the values themselves and must be above 0.");
  CHECK(with("sweep: {together: [{train.lr: 1, train.clip: 1}, {train.lr: 2}]}") ==
        "f.yaml:3:50: sweep.together: every entry must set the same keys; here train.lr, in the first entry "
        "train.clip, train.lr.");
  CHECK(with("sweep: {seeds: 1000, parameters: {train.lr: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], train.clip: [1, "
             "2, 3, 4, 5, 6, "
             "7, 8, 9, 10, 11]}}") ==
        "f.yaml:1:1: the sweep has 110000 trials; at most 100000 are run as one.");
  // the comparison
  CHECK(with("compare: {metric: test_acuracy}")
            .starts_with("f.yaml:3:19: compare.metric: 'test_acuracy' is no metric. Did you mean "
                         "'test_accuracy'? Known: "));
  CHECK(with("compare: {reference: linear}") ==
        "f.yaml:3:22: compare.reference: 'linear' is no variant of this sweep. Known: softmax.");
  CHECK(with("compare: {select: train.lr}") ==
        "f.yaml:3:19: compare.select: 'train.lr' is no swept parameter.");
  CHECK(with("compare: {match: {budget: parameters, tolerance: 0.02}}") ==
        "f.yaml:3:18: compare.match: budgets cannot be matched yet; remove it, or write {budget: none}.");
  CHECK(with("compare: {match: {budget: none}}") == "");
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
      "f.yaml:7:16: sweep.seeds: expected how many or a list of them, found the text 'x'.");
}

TEST_CASE("a mistake that many trials share is reported once") {
  CHECK(wrong("variants: [softmax, linear]\ntask: mqar\ntrain: {lr: x}\n"
              "sweep: {seeds: 5, parameters: {train.clip: [1, 2, 3]}}\n") ==
        "f.yaml:3:13: train.lr: expected a number, found the text 'x'.");
}

TEST_CASE("thousands of mistakes are counted and not all shown") {
  heed::Problems problems;
  read(kSmall + "sweep: {method: random, trials: 3000, parameters: {train.beta1: {min: 2, max: 3}}}\n", {},
       problems);
  CHECK(problems.lines().size() == 100);
  CHECK(problems.size() > 2900);
  CHECK_THROWS_WITH(problems.throw_if_any(), ContainsSubstring(" more like these."));
}

TEST_CASE("a damaged file is read or refused with its places, and never ends the program") {
  const std::string whole =
      "name: recall\nvariants:\n  - softmax\n  - linear: {features: elu}\n  - window: {size: [8, 16], "
      "global: [0]}\n"
      "  - stack: [softmax, {window: {size: 8}}]\ntask:  {name: mqar, length: 64, pairs: 8, vocab: 512}\n"
      "model: {layers: 2, heads: 2, dim: 64, positions: {rope: {base: 100}}, feed_forward: mlp}\n"
      "train: {steps: 2000, batch: 64, lr: 0.001}\nsweep:\n  method: random\n  trials: 3\n  seeds: [1, 2]\n"
      "  parameters:\n    train.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform}\n    train.clip: [1, "
      "2]\n"
      "  together:\n    - {task.length: 64, task.pairs: 8}\n    - {task.length: 128, task.pairs: 16}\n"
      "compare: {metric: test_accuracy, reference: softmax, select: train.lr}\nsave: [weights]\n";
  REQUIRE(good(whole).trials.size() == 5 * 3 * 2);
  const std::string alphabet =
      "{}[]:,-?&*!|>'\"%@`# \t\n\r\x01\xff\xc3"
      "09aez.~<";
  const heed::Rng rng(1, "mutations");
  for (std::uint64_t i = 0; i < 1500; ++i) {
    heed::Draws draws = rng.at(i);
    std::string text = whole;
    for (auto n = draws.below(4); n >= 0; --n) {
      const auto at = static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(text.size())));
      const char c =
          alphabet[static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(alphabet.size())))];
      switch (draws.below(4)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        case 2:
          text.erase(at, static_cast<std::size_t>(1 + draws.below(20)));
          break;
        default:
          text.insert(
              at, text.substr(static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(text.size()))),
                              30));
      }
    }
    heed::Problems problems;
    read(text, {}, problems);
    for (const std::string& line : problems.lines()) {
      INFO(text);
      CHECK_THAT(line, Catch::Matchers::StartsWith("f.yaml:") && !Catch::Matchers::StartsWith("f.yaml:0"));
    }
  }
}
