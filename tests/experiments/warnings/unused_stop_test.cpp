// Rules of `sweep.stop` that can stop no trial.
#include "experiments/warnings/unused_stop.h"

#include <string>

#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

std::string with(const std::string& stop, const std::string& values,
                 const std::string& train = "steps: 200") {
  Registry registry = builtin();
  const Planned p = planned(
      "variants: [softmax, linear]\ntask: {name: mqar, length: 16, vocab: 32, pairs: "
      "2}\ncompare: {select: train.lr}\ntrain: {" +
          train + "}\nsweep: {seeds: 3, stop: " + stop + ", parameters: {train.lr: " + values + "}}\n",
      registry);
  return joined(unused_stop_warnings(p.sweep));
}

}  // namespace

TEST_CASE("unused_stop_warnings: a rule that can stop a trial has none") {
  CHECK(with("{after: 5}", "[1, 2, 3]").empty());
  CHECK(with("{after: 5, factor: 2}", "[1, 2]").empty());
  CHECK(with("{after: 190, rule: median}", "[1, 2, 3]").empty());
  CHECK(with("{after: 5, rule: plateau}", "[1, 2]").empty());
}

TEST_CASE("unused_stop_warnings: no trial is validated at a rung before its last step") {
  for (const char* after : {"191", "200", "1000"})
    CHECK_THAT(with(std::string("{after: ") + after + '}', "[1, 2, 3]"),
               ContainsSubstring("sweep.stop stops no trial") &&
                   ContainsSubstring(std::string("after step ") + after) &&
                   ContainsSubstring("Decrease sweep.stop.after"));
  CHECK(with("{after: 5}", "[1, 2, 3]", "steps: 200, evaluate_every: 199").empty());
  CHECK_THAT(with("{after: 5}", "[1, 2, 3]", "steps: 200, evaluate_every: 200"),
             ContainsSubstring("sweep.stop stops no trial") && ContainsSubstring("train.evaluate_every"));
}

TEST_CASE("unused_stop_warnings: fewer trials compete than the rule needs") {
  CHECK_THAT(with("{after: 5}", "[1, 2]"),
             ContainsSubstring("sweep.stop stops no trial") &&
                 ContainsSubstring("'halving' with factor 3 needs 3 competing trials, and 2 compete") &&
                 ContainsSubstring("sweep.stop.factor"));
  CHECK_THAT(with("{after: 5, factor: 3.5}", "[1, 2, 3]"), ContainsSubstring("needs 4 competing trials"));
  CHECK_THAT(with("{after: 5, rule: median}", "[1, 2]"),
             ContainsSubstring("'median' needs 3 competing trials, and 2 compete") &&
                 ContainsSubstring("Add values of train.lr."));
}
