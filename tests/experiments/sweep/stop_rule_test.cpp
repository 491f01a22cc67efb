// When trials stop: the decisions of the rules, and the section `sweep.stop`.
#include "experiments/sweep/stop_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/rng.h"
#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::decide;
using heed::Decision;
using heed::Index;
using heed::Rng;
using heed::RungResult;
using heed::StopRule;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

StopRule rule_named(const std::string& name, Index after = 10, double factor = 3) {
  return {.rule = name, .factor = factor, .after = after};
}

RungResult loss(double value) { return {value, value, value, false}; }

std::vector<RungResult> losses(const std::vector<double>& values) {
  std::vector<RungResult> out;
  for (const double v : values) out.push_back(loss(v));
  return out;
}

bool stops(const StopRule& rule, const RungResult& own, const std::vector<RungResult>& others) {
  return decide(rule, own, others).stop;
}

std::vector<Index> rungs(const StopRule& rule, Index every, Index steps) {
  std::vector<Index> out;
  for (Index s = every; s <= steps; s += every)
    if (rule.is_rung(s - every, s)) out.push_back(s);
  return out;
}

// A trial that reached a rung: what it had, whom it saw, what was decided.
struct Record {
  Index trial, step;
  RungResult own;
  std::vector<std::size_t> seen;  // indices of records
  Decision decision;
};

// The curve of a simulated trial: a plateau, then a fall to a level of its own, with noise.
std::vector<double> curve(Index trial, Index steps) {
  heed::Draws draws = Rng(1, "curve").at(static_cast<std::uint64_t>(trial));
  const double level = draws.uniform(), speed = 1 + 4 * draws.uniform(), plateau = 30 * draws.uniform();
  std::vector<double> out;
  for (Index s = 1; s <= steps; ++s) {
    const double x = std::max(0.0, static_cast<double>(s) - plateau);
    out.push_back(level + (3 - level) * std::exp(-speed * x / 30) + 0.02 * draws.normal());
  }
  return out;
}

// Runs `trials` trials in contests of `size`, which go on in random order, as on many machines.
std::vector<Record> simulate(const StopRule& rule, Index trials, Index size, Index steps,
                             std::uint64_t order) {
  std::vector<Record> records;
  std::vector<Index> at(static_cast<std::size_t>(trials), 0);
  std::vector<std::size_t> running(static_cast<std::size_t>(trials));
  for (std::size_t i = 0; i < running.size(); ++i) running[i] = i;
  std::vector<std::vector<std::size_t>> of_contest(static_cast<std::size_t>(trials / size + 1));
  heed::Draws draws = Rng(order, "order").at(0);
  while (!running.empty()) {
    const auto pick = static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(running.size())));
    const std::size_t trial = running[pick];
    const Index step = ++at[trial];
    bool ends = step == steps;
    if (!ends && rule.is_rung(step - 1, step)) {
      const std::vector<double> all = curve(static_cast<Index>(trial), step);
      Record r{
          static_cast<Index>(trial), step, {all.back(), std::ranges::min(all), 0, all.back() > 2.5}, {}, {}};
      for (const double x : all) r.own.average += x / static_cast<double>(all.size());
      std::vector<std::size_t>& contest = of_contest[trial / static_cast<std::size_t>(size)];
      std::vector<RungResult> others;
      for (const std::size_t i : contest)
        if (records[i].step == step) r.seen.push_back(i), others.push_back(records[i].own);
      r.decision = decide(rule, r.own, others);
      ends = r.decision.stop;
      contest.push_back(records.size());
      records.push_back(std::move(r));
    }
    if (ends) running[pick] = running.back(), running.pop_back();
  }
  return records;
}

}  // namespace

TEST_CASE("stop rules: rungs are the first validations at or after their steps") {
  using Steps = std::vector<Index>;
  CHECK(rungs(rule_named("halving", 10), 5, 300) == Steps{10, 30, 90, 270});
  CHECK(rungs(rule_named("halving", 10, 2), 25, 100) == Steps{25, 50, 100});  // 10 and 20, 40, 80
  CHECK(rungs(rule_named("halving", 10, 2.5), 1, 70) == Steps{10, 25, 63});   // 62.5
  CHECK(rungs(rule_named("median", 40), 20, 130) == Steps{40, 80, 120});
  CHECK(rungs(rule_named("median", 7), 20, 60) == Steps{20, 40, 60});
  CHECK(rungs(rule_named("plateau", 30), 20, 100) == Steps{40});
}

TEST_CASE("halving: the best third of those at the rung goes on, and the first ones") {
  const StopRule rule = rule_named("halving");
  CHECK_FALSE(stops(rule, loss(9), {}));
  CHECK_FALSE(stops(rule, loss(9), losses({1})));
  CHECK(stops(rule, loss(9), losses({1, 2})));
  CHECK_FALSE(stops(rule, loss(0.5), losses({1, 2})));
  CHECK(stops(rule, loss(2), losses({1, 3, 4, 5})));           // 1 of 5
  CHECK_FALSE(stops(rule, loss(2), losses({1, 3, 4, 5, 6})));  // 2 of 6
  CHECK_FALSE(stops(rule, loss(1), losses({1, 1, 1})));        // none is better
  CHECK(stops(rule, loss(kNaN), losses({1, 2})));
  CHECK_FALSE(stops(rule, loss(5), losses({kNaN, kNaN})));
  CHECK(decide(rule, loss(2.5), losses({1, 3, 2, 5, 6})).reason ==
        "halving: final_validation_loss 2.5 is number 3 of 6; the best 2 go on");
}

TEST_CASE("halving: a larger accuracy is better") {
  StopRule rule = rule_named("halving");
  rule.metric = "final_validation_accuracy";
  CHECK(stops(rule, loss(0.1), losses({0.5, 0.6})));
  CHECK_FALSE(stops(rule, loss(0.7), losses({0.5, 0.6})));
}

TEST_CASE("median: a trial whose best is worse than the median of the averages stops") {
  const StopRule rule = rule_named("median");
  const std::vector<RungResult> others = {{1, 1, 2, false}, {1, 1, 3, false}, {1, 1, 4, false}};
  CHECK(stops(rule, {9, 3.1, 5, false}, others));
  CHECK_FALSE(stops(rule, {9, 3, 5, false}, others));  // not worse; its last value does not count
  CHECK_FALSE(stops(rule, {9, 9, 9, false}, {others[0]}));
}

TEST_CASE("stop rules: nobody stops while all are on their plateau") {
  const RungResult low{2, 2, 2, true}, high{3, 3, 3, true}, left{1, 1, 1, false};
  for (const char* name : {"halving", "median", "plateau"}) {
    CAPTURE(name);
    CHECK_FALSE(stops(rule_named(name), high, {low, low, low}));
    CHECK(stops(rule_named(name), high, {low, low, left}));
  }
  StopRule eager = rule_named("halving");
  eager.wait = false;
  CHECK(stops(eager, high, {low, low, low}));
  CHECK_FALSE(stops(rule_named("plateau"), left, {low, left}));
}

TEST_CASE("stop rules: 10,000 simulated trials, whose decisions follow again from the records") {
  for (const char* name : {"halving", "median", "plateau"}) {
    const StopRule rule = rule_named(name, 9);
    const std::vector<Record> records = simulate(rule, 10'000, 20, 100, 7);
    std::size_t stopped = 0, different = 0;
    for (const Record& r : records) {
      std::vector<RungResult> others;
      // In another order than they were seen in.
      for (auto i = r.seen.rbegin(); i != r.seen.rend(); ++i) others.push_back(records[*i].own);
      const Decision again = decide(rule, r.own, others);
      different += again.stop != r.decision.stop || again.reason != r.decision.reason;
      stopped += r.decision.stop;
    }
    CAPTURE(name, records.size(), stopped);
    CHECK(different == 0);
    CHECK(stopped > 2'000);
    CHECK(stopped < 10'000);
  }
}

TEST_CASE("halving: the best of a contest goes on more often than by chance, and most of the work is saved") {
  const StopRule rule = rule_named("halving", 9);
  const std::vector<Record> records = simulate(rule, 10'000, 20, 100, 3);
  std::vector<Index> last(10'000, 100);  // steps trained
  for (const Record& r : records)
    if (r.decision.stop) last[static_cast<std::size_t>(r.trial)] = r.step;
  Index trained = 0, complete = 0, kept = 0;  // of the best trials
  for (Index contest = 0; contest < 500; ++contest) {
    Index best = contest * 20;
    for (Index t = contest * 20; t < contest * 20 + 20; ++t) {
      trained += last[static_cast<std::size_t>(t)];
      complete += last[static_cast<std::size_t>(t)] == 100;
      if (curve(t, 100).back() < curve(best, 100).back()) best = t;
    }
    kept += last[static_cast<std::size_t>(best)] == 100;
  }
  CAPTURE(trained, complete, kept);
  CHECK(trained < 10'000 * 100 / 2);
  CHECK(kept > 2 * complete / 20);  // at step 9, many are on their plateau: chance would keep complete / 20
}

TEST_CASE("sweep.stop: its mistakes have their places") {
  const std::string tail = "compare: {select: train.lr}\nsweep:\n  parameters: {train.lr: [0.1, 0.2]}\n";
  const auto with = [&](const std::string& stop) { return wrong(kSmall + tail + "  stop: " + stop + "\n"); };
  CHECK(with("{rule: halving, after: 5}").empty());
  CHECK(with("{rule: median, after: 5, metric: final_validation_accuracy}").empty());
  CHECK(with("{rule: plateau, after: 5}").empty());
  CHECK(missing(with("{rule: halvin, after: 5}"),
                {"f.yaml:6:16: sweep.stop.rule:", "Did you mean 'halving'?"}) == "");
  CHECK(missing(with("{rule: halving}"), {"f.yaml:6:9: sweep.stop.after:", "missing"}) == "");
  CHECK(missing(with("{afer: 5}"), {"f.yaml:6:10: sweep.stop.afer:", "Did you mean 'after'?"}) == "");
  CHECK(missing(with("{rule: median, after: 5, factor: 3}"),
                {"f.yaml:6:42: sweep.stop.factor:", "no effect on the rule 'median'"}) == "");
  CHECK(missing(with("{rule: plateau, after: 5, metric: final_validation_loss}"),
                {"f.yaml:6:43: sweep.stop.metric:", "no effect on the rule 'plateau'"}) == "");
  CHECK(missing(with("{rule: plateau, after: 5, wait: false}"),
                {"f.yaml:6:41: sweep.stop.wait:", "no effect on the rule 'plateau'"}) == "");
  CHECK(missing(with("{rule: halving, after: 5, factor: 1}"), {"f.yaml:6:43: sweep.stop.factor:", "range"}) ==
        "");
  CHECK(missing(wrong(kSmall + "sweep: {stop: {after: 5}, parameters: {train.lr: [1, 2]}}\n"),
                {"f.yaml:3:15: sweep.stop:", "'compare: {select: train.lr}'"}) == "");
  CHECK(missing(wrong(kSmall + "compare: {select: train.steps}\nsweep: {stop: {after: 5}, parameters: "
                               "{train.steps: [1, 2]}}\n"),
                {"f.yaml:4:15: sweep.stop:", "another train.steps"}) == "");
}

TEST_CASE("sweep.stop: trials compete if they differ only in what is selected") {
  const heed::Sweep sweep = good(
      "variants: [softmax, window]\ntask: {name: mqar}\ncompare: {select: train.lr}\nsweep:\n  seeds: 2\n"
      "  parameters: {train.lr: [0.1, 0.2], train.clip: [1, 2]}\n  stop: {after: 5}\n");
  REQUIRE(sweep.stop);
  std::map<std::string, int> contests;
  for (const heed::PlannedTrial& t : sweep.trials) ++contests[contest_text(t.config, *sweep.stop)];
  CHECK(contests.size() == 8);  // 2 variants, 2 values of clip, 2 seeds
  for (const auto& [text, trials] : contests) CHECK(trials == 2);
}

TEST_CASE("sweep.stop: all points of a random search compete, and those that change together") {
  const auto contests = [](const std::string& sweep_section) {
    const heed::Sweep sweep =
        good(kSmall + "compare: {select: train.lr}\nsweep: {stop: {after: 5}, " + sweep_section + "}\n");
    std::set<std::string> out;
    for (const heed::PlannedTrial& t : sweep.trials) out.insert(contest_text(t.config, *sweep.stop));
    return std::pair(out.size(), sweep.trials.size());
  };
  CHECK(contests("method: random, trials: 5, parameters: {train.lr: {min: 1, max: 2}, train.clip: {min: 1, "
                 "max: 2}}") == std::pair<std::size_t, std::size_t>(1, 5));
  CHECK(contests("together: [{train.lr: 0.1, train.batch: 4}, {train.lr: 0.2, train.batch: 8}]") ==
        std::pair<std::size_t, std::size_t>(1, 2));
}

TEST_CASE("sweep.stop: an override that leaves one value leaves no rule") {
  const std::string text = kSmall +
                           "compare: {select: train.lr}\nsweep: {stop: {after: 5}, parameters: {train.lr: "
                           "[0.1, 0.2]}}\n";
  CHECK(good(text).stop);
  CHECK_FALSE(good(text, {"train.lr=0.1"}).stop);
  CHECK_FALSE(good(text, {"compare.select=none"}).stop);
  for (const char* override_ : {"train.lr=0.1", "compare.select=none"}) {
    heed::Registry registry = fake_registry();
    heed::Problems problems;
    const auto file = heed::parse_sweep_file(text, "f.yaml", {override_}, registry, problems);
    CHECK_THAT(file.value().notes.back(),
               ContainsSubstring("sweep.stop: ") && ContainsSubstring("no trial is stopped"));
    CHECK_FALSE(good(file->text).stop);
  }
}

TEST_CASE("sweep.stop: it is refused beside a selection of nothing") {
  const std::string sweep = "sweep: {stop: {after: 5}, parameters: {train.lr: [0.1, 0.2]}}\n";
  CHECK(missing(wrong(kSmall + sweep + "compare: {select: none}\n"),
                {"f.yaml:3:15: sweep.stop: 'compare.select: none'", "Remove one of them."}) == "");
  CHECK_THAT(wrong(kSmall + sweep, {"compare.select=none", "sweep.stop={after: 5}"}),
             ContainsSubstring("command line: sweep.stop: 'compare.select: none'"));
  CHECK_THAT(wrong(kSmall + sweep + "compare: {select: }\n"),
             ContainsSubstring("f.yaml:3:15: sweep.stop: it stops"));
}
