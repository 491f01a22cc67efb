// Keys of an entry of `variants` beside the variant itself.
#include <string>

#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::PlannedTrial;
using heed::Sweep;

std::string with_variants(const std::string& variants, const std::string& more = "") {
  return "task: mqar\nvariants: " + variants + '\n' + more;
}

}  // namespace

TEST_CASE("label: it names the rows of an entry and is no part of a trial's id") {
  const auto named = [](const std::string& variants) { return labels(good(with_variants(variants))); };
  CHECK(named("[softmax, {window: {size: 8}, label: near}]") == Texts{"softmax", "near"});
  CHECK(named("[{label: full, softmax: }]") == Texts{"full"});
  CHECK(named("[softmax, {window: {size: [8, 16]}, label: near}]") ==
        Texts{"softmax", "near(size=8)", "near(size=16)"});
  CHECK(named("[softmax, {stack: [softmax, {window: {size: [8, 16]}}], label: hybrid}]") ==
        Texts{"softmax", "hybrid(size=8)", "hybrid(size=16)"});
  CHECK(
      named(
          "[{grow: [{tokenformer: {tokens: 16}, steps: 500}, {tokenformer: {tokens: 64}}], label: grown}]") ==
      Texts{"grown"});
  // the variant's own name, and two rows of one variant
  CHECK(named("[{softmax: {temperature: 2}, label: softmax}]") == Texts{"softmax"});
  CHECK(named("[softmax, {softmax: {temperature: 2}, label: hot}]") == Texts{"softmax", "hot"});
  CHECK(ids(good(with_variants("[softmax, {window: {size: 8}, label: near}]"))) ==
        ids(good(with_variants("[softmax, {window: {size: 8}}]"))));
}

TEST_CASE("label: it is the name in the sections and overrides that name a variant") {
  const std::string variants = "[softmax, {window: {size: 8}, label: near}]";
  CHECK(good(with_variants(variants, "compare: {reference: near}\n")).compare.reference == "near");
  CHECK(missing(wrong(with_variants(variants, "compare: {reference: window}\n")),
                {"f.yaml:3:22: compare.reference:", "'window'", "Known: softmax, near."}) == "");
  CHECK(labels(good(with_variants(variants), {"variants.window.size=9"})) == Texts{"softmax", "near"});
  // An override of the list removes the reference.
  CHECK(good(with_variants(variants, "compare: {reference: near, match: {budget: none, reference: near}}\n"),
             {"variants=[linear, softmax]"})
            .compare.reference == "linear");
}

TEST_CASE("label: a name that is not unique is refused with its place") {
  const auto refused = [](const std::string& variants) { return wrong(with_variants(variants)); };
  CHECK(missing(refused("[{softmax: , label: a}, {linear: , label: a}]"),
                {"f.yaml:2:53: variants[1].label: 'a' is also variants[0].label; choose another label."}) ==
        "");
  CHECK(missing(
            refused("[softmax, {linear: , label: softmax}]"),
            {"f.yaml:2:39: variants[1].label: 'softmax' is the name of another row, variants[0].softmax;"}) ==
        "");
  CHECK(missing(refused("[{linear: , label: softmax}, {softmax: {temperature: [1, 2]}}]"),
                {"f.yaml:2:30: variants[0].label: 'softmax' is the name of another variant;"}) == "");
  CHECK(missing(refused("[{window: {size: [8, 9]}}, {linear: , label: window(size=9)}]"),
                {"f.yaml:2:56: variants[1].label: 'window(size=9)' is the name of another row, "
                 "variants[0].window;"}) == "");
  // Other rows with one of the labels would be ambiguous, too.
  CHECK(missing(refused("[{window: {size: [8, 9]}, label: a}, {window: {size: [4, 5]}, label: a}]"),
                {"f.yaml:2:80: variants[1].label: 'a' is also variants[0].label;"}) == "");
}

TEST_CASE("label: the name of a model that the entry is not is refused") {
  const std::string stack = "stack: [softmax, linear]",
                    grow = "grow: [{tokenformer: {tokens: 2}, steps: 5}, {tokenformer: {tokens: 4}}]";
  const auto refused = [](const std::string& entry, const std::string& label) {
    return wrong(with_variants("[{" + entry + ", label: \"" + label + "\"}]"));
  };
  CHECK(missing(refused(stack, "softmax"),
                {"f.yaml:2:46: variants[0].label: 'softmax' is the name of another variant; this "
                 "entry is softmax+linear; choose another label."}) == "");
  for (const char* label :
       {"linear", "Linear", "softmax+softmax", "linear+softmax", "softmax>linear", "mlp"}) {
    CAPTURE(label);
    CHECK_THAT(refused(stack, label), ContainsSubstring("is the name of another"));
  }
  for (const char* label : {"softmax+linear", "softmax > linear", "(softmax+linear)", "Linear", "mlp"}) {
    CAPTURE(label);
    CHECK_THAT(refused("softmax: {}", label), ContainsSubstring("is the name of another"));
  }
  for (const char* label : {"tokenformer", "tokenformer+tokenformer", "softmax"}) {
    CAPTURE(label);
    CHECK_THAT(refused(grow, label), ContainsSubstring("is the name of another"));
  }
  // Its own name, and names of no model.
  for (const char* label : {"softmax+linear", "Softmax + linear", "hybrid", "softmax, then linear"})
    CHECK(refused(stack, label) == "");
  for (const char* label : {"softmax", "Softmax", "softmax+mlp", "softmax+rope", "a>b"})
    CHECK(refused("softmax: {}", label) == "");
  CHECK(refused(grow, "tokenformer>tokenformer") == "");
}

TEST_CASE("label: one that shows options is refused, unless it is the generated one") {
  const auto refused = [](const std::string& variants) { return wrong(with_variants(variants)); };
  const auto named = [](const std::string& variants) { return labels(good(with_variants(variants))); };
  const std::string entry = "[softmax, {window: {size: 8}, label: \"window(size=4)\"}]";
  CHECK(missing(refused(entry), {"f.yaml:2:48: variants[1].label: 'window(size=4)' shows options",
                                 "this entry is window(size=8)", "Write a name without options"}) == "");
  CHECK(missing(refused("[{softmax: , label: \"lr=0.1\"}]"),
                {"f.yaml:2:31: variants[0].label: 'lr=0.1' shows options", "remove the label"}) == "");
  CHECK(missing(refused("[{window: {size: 8}, label: \"near size=4\"}]"),
                {"f.yaml:2:39: variants[0].label: 'near size=4' shows options"}) == "");
  CHECK(missing(refused("[{stack: [softmax, window], label: \"softmax+window(size=4)\"}]"),
                {"f.yaml:2:46: variants[0].label: 'softmax+window(size=4)' shows options",
                 "this entry is softmax+window."}) == "");
  const std::string same = "[softmax, {window: {size: 8}, label: \"window(size=8)\"}]";
  CHECK(named(same) == Texts{"softmax", "window(size=8)"});
  CHECK(missing(wrong(with_variants(same), {"variants.window.size=2"}),
                {"f.yaml:2:48: variants[1].label: 'window(size=8)' shows options",
                 "this entry is window(size=2)"}) == "");
  CHECK(named("[softmax, {window: {size: 8}, label: \"near (8), a=b\"}]") ==
        Texts{"softmax", "near (8), a=b"});
}

TEST_CASE("label: anything but a short name beside a variant is refused") {
  const auto refused = [](const std::string& variants) { return wrong(with_variants(variants)); };
  CHECK(missing(refused("[{softmax: , label: }]"),
                {"f.yaml:2:24: variants[0].label: expected a name of 1 to 40 characters, found null."}) ==
        "");
  CHECK(missing(refused("[{softmax: , label: [a, b]}]"),
                {"f.yaml:2:31: variants[0].label:", "found a list of 2."}) == "");
  CHECK(missing(refused("[{softmax: , label: " + std::string(41, 'a') + "}]"),
                {"f.yaml:2:31: variants[0].label: expected a name of 1 to 40 characters"}) == "");
  CHECK(missing(refused("[{softmax: , label: \"a\\tb\"}]"),
                {"f.yaml:2:31: variants[0].label: a name has no line breaks and no tabs"}) == "");
  CHECK(refused("[{softmax: , label: \"a\\nb\"}]") ==
        "f.yaml:2:31: variants[0].label: a name has no line breaks and no tabs; remove them.");
  for (const char* label : {" ", " a", "a "})
    CHECK(missing(refused(std::string("[{softmax: , label: \"") + label + "\"}]"),
                  {"f.yaml:2:31: variants[0].label: a name has no spaces at its ends, found the string"}) ==
          "");
  std::string umlauts;
  for (int i = 0; i < 40; ++i) umlauts += "ä";
  CHECK(refused("[{softmax: , label: " + umlauts + "}]") == "");
  CHECK_THAT(refused("[{softmax: , label: " + umlauts + "ä}]"), ContainsSubstring("1 to 40 characters"));
  CHECK(missing(refused("[{label: a}]"),
                {"f.yaml:2:12: variants[0]: the variant is missing; write {softmax: {}, label: a}."}) == "");
}

TEST_CASE("settings of one variant: they are part of its trials only") {
  const Sweep sweep = good(with_variants("[softmax, {window: {size: 8}, model.heads: 4, train.lr: 0.01}]"));
  REQUIRE(sweep.trials.size() == 2);
  CHECK(labels(sweep) == Texts{"softmax", "window(heads=4,lr=0.01)"});
  const heed::TrialConfig &softmax = sweep.trials[0].config, &window = sweep.trials[1].config;
  CHECK((softmax.model.heads == 2 && softmax.train.lr == 0.001));
  CHECK((window.model.heads == 4 && window.train.lr == 0.01));
  CHECK(sweep.trials[1].setting.empty());
  CHECK(sweep.compare.own == Texts{"model.heads", "train.lr"});
  // The id is that of a sweep with these values for all.
  const Sweep same = good(with_variants("[{window: {size: 8}}]", "model: {heads: 4}\ntrain: {lr: 1e-2}\n"));
  CHECK(sweep.trials[1].id == same.trials[0].id);
  CHECK(sweep.trials[0].id == good(with_variants("[softmax]")).trials[0].id);
}

TEST_CASE("settings of one variant: lists are crossed, for this variant only") {
  const Sweep sweep =
      good(with_variants("[softmax, {linear: , train.lr: [0.002, 0.001], model.heads: [1, 4], label: fast}]",
                         "sweep: {seeds: 2, parameters: {train.clip: [1, 2]}}\n"));
  CHECK(sweep.trials.size() == 2 * 2 * (1 + 4));
  Texts rows;
  for (const PlannedTrial& t : sweep.trials)
    if (t.config.seed == 0) rows.push_back(t.config.variant + ": " + t.setting);
  CHECK(rows == Texts{"softmax: clip=1", "fast: clip=1 heads=1 lr=0.002", "fast: clip=1 heads=1 lr=0.001",
                      "fast: clip=1 heads=4 lr=0.002", "fast: clip=1 heads=4 lr=0.001", "softmax: clip=2",
                      "fast: clip=2 heads=1 lr=0.002", "fast: clip=2 heads=1 lr=0.001",
                      "fast: clip=2 heads=4 lr=0.002", "fast: clip=2 heads=4 lr=0.001"});
  // What one variant varies can be selected on validation.
  const std::string select =
      with_variants("[softmax, {linear: , train.lr: [0.002, 0.001]}]", "compare: {select: train.lr}\n");
  CHECK(good(select).compare.select == "train.lr");
  CHECK(
      missing(wrong(with_variants("[softmax, {linear: , train.lr: 0.002}]", "compare: {select: train.lr}\n")),
              {"f.yaml:3:19: compare.select:", "'train.lr' is no swept parameter"}) == "");
}

TEST_CASE("settings of one variant: slots, stacks and growth have them, too") {
  const auto named = [](const std::string& variants) { return labels(good(with_variants(variants))); };
  CHECK(
      named(
          "[softmax, {softmax: , model.positions: rope}, {softmax: , model.positions: {rope: {base: 5}}}]") ==
      Texts{"softmax", "softmax(positions=rope)", "softmax(positions=rope(base=5))"});
  CHECK(named("[{stack: [softmax, linear], model.heads: 4}]") == Texts{"(softmax+linear)(heads=4)"});
  CHECK(named("[{softmax: {temperature: [1, 2]}, model.heads: 4}]") ==
        Texts{"softmax(temperature=1,heads=4)", "softmax(temperature=2,heads=4)"});
  const std::string grow = "grow: [{tokenformer: {tokens: 16}, steps: 500}, {tokenformer: {tokens: 64}}]";
  const Sweep grown = good(with_variants("[{" + grow + ", train.lr: [1, 2]}]"));
  REQUIRE(grown.trials.size() == 2);
  CHECK((grown.trials[1].config.train.lr == 2 && grown.trials[1].config.grow.size() == 1));
  // An option of a slot keeps the slot's other options.
  const Sweep width = good(with_variants("[softmax, {linear: , model.feed_forward.mlp.width: 9}]"));
  CHECK(width.trials[1].config.feed_forward.options.canonical() == "{width: 9}");
  CHECK(width.compare.own == Texts{"model.feed_forward"});
}

TEST_CASE("settings of one variant: the saved file gives the same plan, whatever the order of keys") {
  heed::Registry registry = fake_registry();
  heed::Problems problems;
  const std::string text =
      with_variants("[softmax, {linear: , train.lr: [2, 1], model.positions: rope, model.heads: [1, 4]}]");
  const auto file = heed::parse_sweep_file(text, "f.yaml", {"train.steps=7"}, registry, problems);
  REQUIRE(file);
  const Sweep first = heed::read_sweep(file->tree, "f", registry, problems), again = good(file->text);
  CHECK(problems.empty());
  CHECK(ids(first) == ids(again));
  CHECK(labels(first) == labels(again));
}

TEST_CASE("settings of one variant: overrides") {
  const std::string text = with_variants("[softmax, {linear: , train.lr: 0.002, label: fast}]");
  const auto rate = [&](const Texts& overrides, std::size_t at) {
    return good(text, overrides).trials.at(at).config.train.lr;
  };
  CHECK(rate({"variants.linear.train.lr=0.5"}, 1) == 0.5);
  CHECK(rate({"variants.softmax.train.lr=0.5"}, 0) == 0.5);
  CHECK(good(text, {"variants[1].linear.model.heads=4"}).trials[1].config.model.heads == 4);
  CHECK(labels(good(text, {"variants.linear.label=slow"})) == Texts{"softmax", "slow"});
  // The entry is more specific than the section, and a note says so.
  CHECK((rate({"train.lr=0.5"}, 0) == 0.5 && rate({"train.lr=0.5"}, 1) == 0.002));
  heed::Registry registry = fake_registry();
  heed::Problems problems;
  const auto file = heed::parse_sweep_file(text, "f.yaml", {"train.lr=0.5"}, registry, problems);
  REQUIRE(file);
  REQUIRE(file->notes.size() == 1);
  CHECK(missing(file->notes[0],
                {"train.lr: variants[1] sets it for itself", "'variants[1].linear.train.lr=VALUE'"}) == "");
  CHECK(missing(wrong(text, {"train.lr=[1,2]"}),
                {"f.yaml:2:32: variants[1].train.lr: sweep.parameters varies it for every variant."}) == "");
}

TEST_CASE("settings of one variant: each mistake has its place, its key and what would be right") {
  const auto refused = [](const std::string& entry, const std::string& more = "") {
    return wrong(with_variants("[softmax, " + entry + "]", more));
  };
  // keys
  CHECK(missing(refused("{linear: , model.haeds: 4}"),
                {"f.yaml:2:32: variants[1].model.haeds:", "Did you mean 'model.heads'?"}) == "");
  CHECK(missing(refused("{linear: , heads: 4}"),
                {"f.yaml:2:32: variants[1].heads:", "Did you mean 'model.heads'?"}) == "");
  CHECK(missing(refused("{linear: , lable: a}"),
                {"f.yaml:2:32: variants[1].lable: unknown key. Did you mean 'label'?"}) == "");
  CHECK(missing(refused("{linear: , tarin.lr: 1}"),
                {"f.yaml:2:32: variants[1].tarin.lr:", "Did you mean 'train.lr'?"}) == "");
  CHECK(missing(refused("{linear: , task.pairs: 4}"),
                {"f.yaml:2:32: variants[1].task.pairs: variants are compared on the same task"}) == "");
  CHECK(
      missing(refused("{model.heads: 4}"),
              {"f.yaml:2:21: variants[1]: the variant is missing; write {softmax: {}, model.heads: ...}."}) ==
      "");
  CHECK(missing(refused("{linear: {model.heads: 4}}"),
                {"f.yaml:2:31: variants[1].linear.model.heads: it is no option of 'linear'. Did you mean "
                 "'{linear: {...}, model.heads: 4}', beside the variant?"}) == "");
  CHECK(missing(refused("{linear: {label: a}}"),
                {"f.yaml:2:31: variants[1].linear.label: it is no option of 'linear'."}) == "");
  // values
  CHECK(missing(refused("{linear: , model.heads: 3}"),
                {"f.yaml:2:45: model.heads: 3 does not divide model.dim (64)."}) == "");
  CHECK(missing(refused("{linear: , model.heads: four}"),
                {"f.yaml:2:45: model.heads: expected an integer, found the string 'four'."}) == "");
  CHECK(missing(refused("{linear: , train.lr: []}"), {"f.yaml:2:42: variants[1].train.lr: expected a value "
                                                      "or a list of values, found an empty list."}) == "");
  CHECK(missing(refused("{linear: , train.lr: [0.01, 1e-2]}"),
                {"f.yaml:2:49: variants[1].train.lr: 0.01 is listed twice."}) == "");
  CHECK(missing(refused("{linear: , model.positions: rop}"),
                {"f.yaml:2:49: model.positions:", "Did you mean 'rope'?"}) == "");
  // values that the sweep varies already
  CHECK(missing(refused("{linear: , train.lr: 1}", "sweep: {parameters: {train.lr: [1, 2]}}\n"),
                {"f.yaml:2:32: variants[1].train.lr: sweep.parameters varies it for every variant. Remove it "
                 "there"}) == "");
  CHECK(missing(refused("{linear: , model.feed_forward.mlp.width: 8}",
                        "sweep: {together: [{model.feed_forward: mlp}, {model.feed_forward: none}]}\n"),
                {"f.yaml:2:32: variants[1].model.feed_forward.mlp.width: sweep.together varies it"}) == "");
  // values without effect
  CHECK(missing(refused("{linear: , train.momentum: 0.9}"),
                {"f.yaml:2:32: train.momentum: it has no effect on the optimizer 'adamw'"}) == "");
  CHECK(missing(
            refused("{tokenformer: , model.feed_forward: {mlp: {width: 8}}}"),
            {"f.yaml:2:37: model.feed_forward: it has no effect on variants[1].tokenformer, which decides it "
             "itself. Remove it."}) == "");
  CHECK(missing(
            refused("{grow: [{tokenformer: {tokens: 1}, steps: 5}, {tokenformer: {tokens: 2}, steps: 5}], "
                    "train.steps: 20}"),
            {"f.yaml:2:106: train.steps: it has no effect on variants[1].grow, which decides it itself."}) ==
        "");
  CHECK(
      missing(refused("{softmax: , model.heads: 2}"),
              {"f.yaml:2:22: variants[1].softmax: softmax(heads=2) trains the same as softmax; remove one of "
               "them."}) == "");
}
