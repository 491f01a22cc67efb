// Layers that together do not see as far back as the answers of the task are.
#include "experiments/warnings/reach.h"

#include <string>
#include <vector>

#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

std::string sweep(const std::string& variants, const std::string& more = "") {
  return "variants: [" + variants + "]\ntask: {name: induction, length: 24, vocab: 16, score: all}\n" +
         "model: {layers: 2, heads: 2, dim: 16}\n" + more;
}

std::string warned(const std::string& text) {
  Registry registry = builtin();
  const Planned p = planned(text, registry);
  return joined(reach_warnings(p.sweep, registry));
}

Index reach(const std::string& variant, const std::vector<std::string>& overrides = {}) {
  Registry registry = builtin();
  const Planned p = planned(sweep(variant), registry, overrides);
  const TrialConfig& trial = p.sweep.trials.at(0).config;
  const auto task = task_of(trial, registry);
  return reach_of(model_spec(trial, *task), registry, *task);
}

}  // namespace

TEST_CASE("reach_of: the layers of a window add up") {
  CHECK(reach("{window: {size: 5}}") == 10);
  CHECK(reach("{window: {size: 3}}") == 6);
  CHECK(reach("{stack: [{window: {size: 3}}, {window: {size: 5}}]}") == 8);
}

TEST_CASE("reach_of: what sees the whole past has no limit but the sequence") {
  for (const char* variant : {"softmax", "linear", "lstm", "gated_delta", "strided", "differential",
                              "{window: {size: 3, global: [0]}}", "{stack: [softmax, window]}"}) {
    CAPTURE(variant);
    CHECK(reach(variant) == 23);
  }
}

TEST_CASE("reach_of: a decay below the rounding of the outputs is no end of what is seen") {
  for (const char* variant : {"stick_breaking", "retention", "gla", "forgetting"})
    for (const char* tied : {"false", "true"}) {
      CAPTURE(variant, tied);
      CHECK(reach(variant, {"task.length=200", "task.vocab=256", std::string("model.tied=") + tied}) == 199);
    }
  CHECK(reach("{window: {size: 5}}", {"task.length=200", "task.vocab=256", "model.tied=true"}) == 10);
}

TEST_CASE("reach_of: what chooses its keys sees far, whatever it chooses at first") {
  for (const char* variant : {"topk", "moba", "nsa", "bigbird"}) {
    CAPTURE(variant);
    CHECK(reach(variant) > 12);
  }
}

TEST_CASE("reach_warnings: a window that cannot see the answers is named, and others are not") {
  const std::string text = warned(sweep("softmax, {window: {size: 5}}"));
  CHECK_THAT(text, ContainsSubstring(
                       "window: its 2 layers together see 10 positions back, but in induction the answer "
                       "is farther away at ") &&
                       ContainsSubstring(" % of the scored positions"));
  CHECK(text.find("softmax") == std::string::npos);
  CHECK(warned(sweep("softmax, {window: {size: 6}}")).empty());
  CHECK_THAT(
      warned(sweep("{window: {size: 6}}", "sweep: {parameters: {model.layers: [1, 2]}}\n")),
      ContainsSubstring("window: its only layer sees 6") && ContainsSubstring("The task is induction {"));
}

TEST_CASE("reach_warnings: settings of a task share one warning") {
  const std::string text =
      warned(sweep("{window: {size: 3}}", "sweep: {parameters: {task.vocab: [16, 17]}}\n"));
  CHECK_THAT(text, ContainsSubstring("The task is that of 2 settings."));
  CHECK(text.find("its 2 layers") == text.rfind("its 2 layers"));
}

TEST_CASE("reach_warnings: a task that does not say where its answers are has none") {
  CHECK(warned("variants: [{window: {size: 2}}]\ntask: {name: parity, length: 16}\n").empty());
}
