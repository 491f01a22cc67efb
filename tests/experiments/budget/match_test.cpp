// Budgets: what `compare.match` makes of a sweep. With heed's own variants, whose parameters and FLOPs count.
#include "experiments/budget/fit_budgets.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/register.h"
#include "experiments/budget/tunable.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/tasks/builtin.h"
#include "experiments/trial/estimate.h"
#include "results/errors.h"
#include "tests/catch.h"
#include "tests/experiments/budget/match_sweep.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;
using heed::PlannedTrial;
using heed::Sweep;

namespace {

namespace fs = std::filesystem;
heed::StepTimer in_this_process() {
  return [](const heed::TrialConfig& a, const heed::TrialConfig& b, int rounds, const heed::Limits&) {
    return heed::time_in_turn(a, b, known(), rounds);
  };
}

heed::StepTimer never() {
  return [](const heed::TrialConfig&, const heed::TrialConfig&, int,
            const heed::Limits&) -> std::pair<double, double> { throw std::logic_error("timed again"); };
}

}  // namespace

TEST_CASE("match: without a budget nothing changes, and `budget: none` is the same") {
  const std::string all = "[softmax, tokenformer]";
  const Sweep none = good("variants: " + all + "\n" + kTask + kModel);
  const Sweep said = good(file(all, "{budget: none}"));
  CHECK_FALSE(none.match.on());
  CHECK_FALSE(said.match.on());
  REQUIRE(none.trials.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(none.trials[i].id == said.trials[i].id);
}

TEST_CASE("match: parameters are matched by the width of the feed-forward, to the nearest integer") {
  const Sweep sweep =
      good(file("[softmax, tokenformer, differential, linear, window]", "{budget: parameters}"));
  const double target = static_cast<double>(estimate(of(sweep, "softmax")).parameters);
  for (const PlannedTrial& t : sweep.trials) {
    CAPTURE(t.config.variant);
    CHECK(t.matched.target == target);
    CHECK(t.matched.reached == static_cast<double>(estimate(t).parameters));
    CHECK(std::abs(t.matched.mismatch()) <= 0.02);
  }
  SECTION("the reference and what fits already stay as they are") {
    const Sweep plain = good("variants: [softmax, linear, window]\n" + kTask + kModel);
    for (const char* name : {"softmax", "linear", "window"}) {
      CHECK(of(sweep, name).matched.option.empty());
      CHECK(of(sweep, name).id == of(plain, name).id);
    }
  }
  SECTION("no other value comes nearer") {
    const PlannedTrial& t = of(sweep, "differential");
    CHECK(t.matched.option == "model.feed_forward.mlp.width");
    for (heed::Index step : {-1, 1}) {
      PlannedTrial other = t;
      other.config.feed_forward.options.set("width", heed::Config::integer(t.matched.value + step));
      CHECK(std::abs(static_cast<double>(estimate(other).parameters) - target) >=
            std::abs(t.matched.reached - target));
    }
  }
  SECTION("a variant with a feed-forward of its own moves the size of that") {
    CHECK(of(sweep, "tokenformer").matched.option == "variants.tokenformer.feed_forward_tokens");
  }
  SECTION("a moved trial has the id of one that was written so by hand") {
    const auto by_hand = [&](const std::string& text) { return good(text + kTask + kModel).trials.at(0).id; };
    const std::string width = std::to_string(of(sweep, "differential").matched.value);
    CHECK(good("variants: [differential]\n" + kTask +
               "model: {layers: 2, heads: 2, dim: 32, feed_forward: {mlp: "
               "{width: " +
               width + "}}}\n")
              .trials.at(0)
              .id == of(sweep, "differential").id);
    const std::string tokens = std::to_string(of(sweep, "tokenformer").matched.value);
    CHECK(by_hand("variants: [{tokenformer: {feed_forward_tokens: " + tokens + "}}]\n") ==
          of(sweep, "tokenformer").id);
  }
  SECTION("what it was matched to is not part of its configuration") {
    const heed::TrialConfig back = heed::trial_from_config(heed::to_config(of(sweep, "tokenformer").config));
    CHECK(heed::trial_id(back) == of(sweep, "tokenformer").id);
  }
}

TEST_CASE("match: training FLOPs are matched, by width or by the length of the training") {
  const std::string variants = "[softmax, {window: {size: 2}}, tokenformer]", train = "train: {steps: 500}\n";
  const Sweep width = good(file(variants, "{budget: train_flops}", train));
  const double target = estimate(of(width, "softmax")).training_flops;
  for (const PlannedTrial& t : width.trials) CHECK(std::abs(estimate(t).training_flops / target - 1) <= 0.02);
  CHECK(of(width, "window").matched.option == "model.feed_forward.mlp.width");
  CHECK(of(width, "window").matched.value > 128);

  const Sweep steps = good(file(variants, "{budget: train_flops, adjust: steps, tolerance: 0.002}", train));
  CHECK(of(steps, "window").matched.option == "train.steps");
  CHECK(of(steps, "window").config.train.steps == of(steps, "window").matched.value);
  CHECK(of(steps, "window").matched.value > 500);
  CHECK(of(steps, "tokenformer").matched.value < 500);
  for (const PlannedTrial& t : steps.trials)
    CHECK(std::abs(estimate(t).training_flops / target - 1) <= 0.002);
}

TEST_CASE("match: state bytes are matched by width or heads if the feed-forward cannot change them") {
  const auto state = [](const Sweep& sweep, const std::string& name) {
    return estimate(of(sweep, name)).state_bytes;
  };
  const Sweep dim = good(file("[softmax, linear]", "{budget: state_bytes, adjust: {linear: dim}}"));
  CHECK(of(dim, "linear").matched.option == "model.dim");
  CHECK(of(dim, "linear").config.model.dim % 2 == 0);
  CHECK(std::abs(state(dim, "linear") / state(dim, "softmax") - 1) <= 0.02);

  const std::string heads = "{budget: state_bytes, adjust: {linear: heads}, tolerance: 0.2}";
  const Sweep by_heads = good(file("[{window: {size: 3}}, linear]", heads));
  CHECK(of(by_heads, "linear").matched.option == "model.heads");
  CHECK(32 % of(by_heads, "linear").config.model.heads == 0);

  CHECK_THAT(wrong(file("[softmax, linear]", "{budget: state_bytes}")),
             ContainsSubstring("f.yaml:4:18: compare.match: linear cannot be given the ") &&
                 ContainsSubstring("changing model.feed_forward.mlp.width does not change that") &&
                 ContainsSubstring("name another option in adjust: ") && ContainsSubstring("heads, dim"));
}

TEST_CASE("match: any integer option of a variant, its feed-forward or the model can be tuned") {
  const auto option = [](const std::string& adjust, const std::string& variants = "[softmax, tokenformer]") {
    const Sweep sweep = good(file(variants, "{budget: parameters, tolerance: 0.1, adjust: " + adjust + "}"));
    CHECK(std::abs(sweep.trials.at(1).matched.mismatch()) <= 0.1);
    return sweep.trials.at(1).matched.option;
  };
  CHECK(option("tokens") == "variants.tokenformer.tokens");
  CHECK(option("{tokenformer: variants.tokenformer.tokens}") == "variants.tokenformer.tokens");
  CHECK(option("{tokenformer: feed_forward}") == "variants.tokenformer.feed_forward_tokens");
  CHECK(option("{tokenformer: dim}") == "model.dim");
  CHECK(option("{tokenformer: model.dim}") == "model.dim");
  CHECK(option("width", "[softmax, {tokenformer: {feed_forward: mlp}}]") == "model.feed_forward.mlp.width");
  CHECK(option("feed_forward", "[{tokenformer: {feed_forward: mlp}}, differential]") ==
        "model.feed_forward.mlp.width");
  CHECK(option("mlp.width", "[softmax, differential]") == "model.feed_forward.mlp.width");
  CHECK(option("memory", "[softmax, wide]") == "variants.wide.memory");
  CHECK(option("feed_forward", "[softmax, wide]") == "model.feed_forward.mlp.width");
  CHECK(option("tokens", "[softmax, {stack: [softmax, tokenformer]}]") == "variants.tokenformer.tokens");
  CHECK(option("feed_forward", "[softmax, {stack: [tokenformer, softmax]}]") ==
        "model.feed_forward.mlp.width");
  SECTION("also of a feed-forward that a variant puts into the place of the model's") {
    const Sweep sweep = good("variants: [softmax, {tokenformer: {feed_forward: mlp}}]\n" + kTask +
                             "model: {layers: 2, heads: 2, dim: 32, feed_forward: swiglu}\n"
                             "compare: {match: {budget: parameters}}\n");
    const PlannedTrial& moved = of(sweep, "tokenformer");
    CHECK(moved.matched.option == "model.feed_forward.mlp.width");
    CHECK(moved.matched.reached == static_cast<double>(estimate(moved).parameters));
    CHECK(std::abs(moved.matched.mismatch()) <= 0.02);
  }
  SECTION("a label wins over a name") {
    const Sweep sweep =
        good(file("[softmax, {tokenformer: {output_tokens: [8, 16]}}]",
                  "{budget: parameters, adjust: {tokenformer: tokens, 'tokenformer(output_tokens=16)': dim}, "
                  "tolerance: 0.1}"));
    CHECK(sweep.trials.at(1).matched.option == "variants.tokenformer.tokens");
    CHECK(sweep.trials.at(2).matched.option == "model.dim");
  }
}

TEST_CASE("match: the reference is the match's own, else the comparison's, else the first variant") {
  const std::string three = "variants: [softmax, tokenformer, differential]\n" + kTask + kModel;
  const auto reference = [&](const std::string& compare) {
    const Sweep sweep = good(three + "compare: {" + compare + "}\n");
    CHECK(of(sweep, sweep.match.options.reference).matched.mismatch() == 0);
    return sweep.match.options.reference;
  };
  CHECK(reference("match: {budget: parameters}") == "softmax");
  CHECK(reference("reference: differential, match: {budget: parameters}") == "differential");
  CHECK(reference("reference: softmax, match: {budget: parameters, reference: tokenformer}") ==
        "tokenformer");
}

TEST_CASE("match: each point of a sweep has a budget of its own") {
  const std::string sweep =
      "sweep:\n  seeds: 2\n  parameters: {train.lr: [0.1, 0.2]}\n  together:\n"
      "    - {task.length: 16, model.dim: 32}\n    - {task.length: 32, model.dim: 64}\n";
  const Sweep planned = good(file("[softmax, tokenformer]", "{budget: parameters}", sweep));
  REQUIRE(planned.trials.size() == 16);
  const PlannedTrial& narrow = of(planned, "tokenformer", "length=16 dim=32 lr=0.1");
  const PlannedTrial& wide = of(planned, "tokenformer", "length=32 dim=64 lr=0.1");
  CHECK(narrow.matched.value != wide.matched.value);
  CHECK(narrow.matched.value == of(planned, "tokenformer", "length=16 dim=32 lr=0.2").matched.value);
  for (const PlannedTrial* t : {&narrow, &wide}) {
    CHECK(static_cast<double>(estimate(of(planned, "softmax", t->setting)).parameters) == t->matched.target);
    CHECK(std::abs(t->matched.mismatch()) <= 0.02);
  }
  SECTION("of a random search, too") {
    const Sweep random =
        good(file("[softmax, tokenformer]", "{budget: parameters}",
                  "sweep: {method: random, trials: 6, parameters: {model.layers: {min: 1, max: "
                  "6, distribution: int_uniform}}}\n"));
    for (const PlannedTrial& t : random.trials) {
      CHECK(t.matched.target == static_cast<double>(estimate(of(random, "softmax", t.setting)).parameters));
      CHECK(std::abs(t.matched.mismatch()) <= 0.02);
    }
  }
}

TEST_CASE("match: the path of each option is also its override") {
  int compared = 0;
  for (const std::string entry : {"softmax", "differential", "tokenformer", "window: {size: 8}",
                                  "stack: [{window: {size: 8}}, tokenformer]"}) {
    const std::string text = "variants:\n- " + entry + "\n" + kTask + kModel;
    heed::Registry all = known();
    heed::Problems problems;
    const auto parsed = heed::parse_sweep_file(text, "f.yaml", {}, all, problems);
    const Sweep sweep = heed::read_sweep(parsed->tree, "f", all, problems);
    for (const heed::Tunable& t : heed::tunables_of(sweep.trials.at(0).config, known())) {
      const heed::Index value = t.name() == "steps" ? 3 : 4;
      const auto moved = heed::with_value(sweep.points.at(0).trial, sweep.variants.at(0), t, value, known());
      CAPTURE(entry, t.path);
      if (!moved) continue;
      heed::Problems refused;
      const Sweep typed = read(text, {t.path + "=" + std::to_string(value)}, refused);
      for (const std::string& line : refused.lines()) CHECK_THAT(line, !ContainsSubstring("nknown"));
      if (!refused.empty()) continue;  // the model has no such size
      CHECK(typed.trials.at(0).id == heed::trial_id(*moved));
      ++compared;
    }
  }
  CHECK(compared > 30);
}

TEST_CASE("match: a budget is set, changed and removed on the command line") {
  const std::string text =
      file("[softmax, tokenformer]", "{budget: parameters, adjust: {tokenformer: tokens}}");
  CHECK(good(text, {"compare.match.budget=none"}).trials[1].matched.option.empty());
  CHECK(good(text, {"compare.match.adjust=dim", "compare.match.tolerance=0.1"}).trials[1].matched.option ==
        "model.dim");
  CHECK(good("variants: [softmax, differential]\n" + kTask, {"compare.match.budget=parameters"})
            .trials[1]
            .matched.option == "model.feed_forward.mlp.width");
  SECTION("with other variants, what the file says of those that are gone is gone too") {
    heed::Problems problems;
    Texts notes;
    const std::string with_reference = file(
        "[softmax, tokenformer]", "{budget: parameters, reference: softmax, adjust: {tokenformer: tokens}}");
    const Sweep sweep = read(with_reference, {"variants=[linear, differential]"}, problems, &notes);
    CHECK(problems.lines() == Texts{});
    CHECK(sweep.match.options.reference == "linear");
    CHECK(notes == Texts{"compare.match.reference: 'softmax' is not among the variants of the command line; "
                         "the first of them, 'linear', becomes the reference."});
  }
}

TEST_CASE("match: a model that grows is matched at its final size, and never below its first size") {
  const std::string grown =
      "[softmax, {grow: [{tokenformer: {tokens: 8, feed_forward_tokens: FIRST}, steps: 100}, {tokenformer: "
      "{tokens: 16}}]}]";
  const auto with_first = [&](const std::string& tokens) {
    std::string text = file(grown, "{budget: parameters, tolerance: 0.05}", "train: {steps: 300}\n");
    return text.replace(text.find("FIRST"), 5, tokens);
  };
  const Sweep sweep = good(with_first("8"));
  const PlannedTrial& t = sweep.trials.at(1);
  CHECK(t.matched.option == "variants.tokenformer.feed_forward_tokens");
  CHECK(t.config.grow.size() == 1);
  CHECK(std::abs(static_cast<double>(estimate(t).parameters) / t.matched.target - 1) <= 0.05);
  const std::string beyond = std::to_string(t.matched.value + 40);
  CHECK_THAT(wrong(with_first(beyond)),
             ContainsSubstring("cannot be given the ") || ContainsSubstring("grow"));
}

TEST_CASE("match: encoder-decoders and encoders are matched, with the same options in every place") {
  struct Kind {
    std::string task, type;
  };
  for (const Kind& kind :
       {Kind{"translation", "encoder_decoder"}, {"translation", "decoder"}, {"parity", "encoder"}}) {
    CAPTURE(kind.task, kind.type);
    const bool pairs = kind.type == "encoder_decoder";
    const std::string model =
        "task: {name: " + kind.task + "}\nmodel: {layers: 2, heads: 2, dim: 32, type: " + kind.type + "}\n";
    for (const std::string budget : {"parameters", "train_flops"}) {
      const Sweep sweep = good("variants: [softmax, tokenformer, linear]\n" + model +
                               "compare: {match: {budget: " + budget + ", tolerance: 0.02}}\n");
      const auto spent = [&](const std::string& variant) {
        const heed::Estimate e = estimate(of(sweep, variant));
        return budget == "parameters" ? static_cast<double>(e.parameters) : e.training_flops;
      };
      for (const char* variant : {"tokenformer", "linear"})
        CHECK(std::abs(spent(variant) / spent("softmax") - 1) < 0.02);
      const heed::TrialConfig& matched = of(sweep, "tokenformer").config;
      CHECK(matched.cross_attention.empty() != pairs);
      if (pairs)
        CHECK(matched.cross_attention[0].options.canonical() == matched.attention[0].options.canonical());
    }
  }
}

TEST_CASE("match: the time of a step is measured once and then stored") {
  // Far apart, and allowed to stay so: this tests what becomes of a measurement, not how good it is.
  const std::string text = file("[softmax, {tokenformer: {feed_forward_tokens: 4000}}]",
                                "{budget: step_time, tolerance: 0.8}", "train: {batch: 4}\n");
  const heed::test::TempFolder folder;
  const auto planned = [&](heed::StepTimes* times) {
    heed::Registry all = known();
    heed::Problems problems;
    const auto parsed = heed::parse_sweep_file(text, "f.yaml", {}, all, problems);
    Sweep sweep = heed::fit_budgets(heed::read_sweep(parsed->tree, "f", all, problems), all, times, problems);
    CHECK(problems.lines() == Texts{});
    return sweep;
  };
  heed::StepTimes times(folder / "step_times.tsv", in_this_process());
  const PlannedTrial first = planned(&times).trials.at(1);
  CHECK(first.matched.option == "variants.tokenformer.feed_forward_tokens");
  CHECK(first.matched.value < 4000);
  CHECK(first.matched.target > 0);

  heed::StepTimes again(folder / "step_times.tsv", never());
  const PlannedTrial second = planned(&again).trials.at(1);
  CHECK(second.id == first.id);
  CHECK(second.matched.reached == first.matched.reached);
  CHECK(second.matched.target == first.matched.target);

  SECTION("a check of the file alone measures nothing") {
    CHECK(planned(nullptr).trials.at(1).matched.option.empty());
  }
  SECTION("a file that is not heed's is refused") {
    std::ofstream(folder / "step_times.tsv") << "key value\n";
    CHECK_THROWS_AS(heed::StepTimes(folder / "step_times.tsv", {}), heed::results::DamagedFile);
  }
  SECTION("one that was cut, or has another number, is refused with what to do") {
    std::ifstream in(folder / "step_times.tsv");
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    std::string other = whole;
    other[whole.find('\n', whole.find('\n') + 1) - 1] ^= 1;  // the last digit of the first number
    const std::string without_a_line = whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1);
    for (const std::string& changed : {std::string(), other, without_a_line}) {
      std::ofstream(folder / "step_times.tsv") << changed;
      CHECK_THROWS_WITH(heed::StepTimes(folder / "step_times.tsv", {}),
                        ContainsSubstring("step_times.tsv") &&
                            ContainsSubstring("does not match the checksum in its last line"));
    }
  }
  SECTION("another process that measures meanwhile takes what is here first") {
    const heed::test::TempFolder shared;
    const fs::path file = shared / "step_times.tsv";
    std::atomic<bool> has_measured = false;
    heed::StepTimes slow(file, [&](const auto&... trial_and_more) {
      const auto measured = in_this_process()(trial_and_more...);
      has_measured = true;
      return measured;
    });
    std::optional lock(slow.lock());
    auto other = std::async(std::launch::async, [&] { return planned(&slow).trials.at(1); });
    while (!has_measured) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it would have its own answer by then
    fs::copy_file(folder / "step_times.tsv", file);
    lock.reset();
    const PlannedTrial same = other.get();
    CHECK(same.id == first.id);
    CHECK(same.matched.target == first.matched.target);
    CHECK(same.matched.reached == first.matched.reached);
  }
}
