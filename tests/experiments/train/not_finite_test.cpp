// NaN and infinity are found in the step in which they appear, whatever the variant and the build.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "experiments/sweep/variant_names.h"
#include "experiments/tasks/builtin.h"
#include "experiments/train/train.h"
#include "experiments/train/training.h"
#include "experiments/trial/stages.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace {

using heed::Index;

using heed::test::builtin;
using heed::test::defaults;

// A small trial of one variant.
struct Small {
  heed::Registry registry = builtin();
  std::unique_ptr<heed::Task> task;
  heed::TrialConfig trial;

  explicit Small(const std::string& variant) {
    const heed::TaskInfo& mqar = registry.task("mqar");
    heed::Config options = heed::Config::map();
    options.set("length", heed::Config::integer(24));  // more than a segment of knn_memory
    options.set("pairs", heed::Config::integer(2));
    options.set("vocab", heed::Config::integer(32));
    task = mqar.make(defaults(mqar, options), 3);
    trial.model.layers = 1, trial.model.heads = 2, trial.model.dim = 8;
    trial.attention = {{variant, defaults(registry.variant(variant))}};
    trial.feed_forward = {"mlp", defaults(registry.variant("mlp"))};
    trial.positions = {"learned", defaults(registry.position("learned"))};
    trial.train.steps = 6, trial.train.batch = 8, trial.train.warmup = 0, trial.train.evaluate_every = 100;
    trial.seed = 3;
  }

  std::vector<heed::ParamInfo> parameters() const {
    return heed::SizedModel(heed::model_spec(trial, *task), registry, trial.seed).params.infos();
  }

  // Why a training stops in which this parameter becomes `value` after the third step.
  std::string failure(const heed::ParamInfo& parameter, float value) const {
    heed::TrainHooks hooks;
    hooks.leave = [&](const heed::TrainState& state) {
      const auto begin = state.values.begin() + parameter.offset;
      if (state.log.steps == 3) std::fill(begin, begin + parameter.rows * parameter.cols, value);
      return false;
    };
    return heed::train(trial, registry, *task, 1, hooks).log.failure;
  }
};

// An infinite bias of a sigmoid or tanh saturates it: a gate is 1, and every number stays finite.
bool only_saturates(const std::string& parameter) {
  constexpr std::array kBiases = {".forget.bias", ".decay.up.bias", ".gate.up.bias", ".input.bias",
                                  ".hidden.bias", ".rate.bias",     ".gate_logit"};
  return std::ranges::any_of(kBiases, [&](const char* bias) { return parameter.ends_with(bias); });
}

void check_found(float value) {
  for (const std::string& variant : heed::variant_names(builtin(), true)) {
    const Small small(variant);
    for (const heed::ParamInfo& parameter : small.parameters()) {
      if (parameter.role == heed::Role::fixed) continue;  // no training changes it
      if (std::isinf(value) && only_saturates(parameter.name)) continue;
      INFO(variant << ": " << parameter.name);
      CHECK_THAT(small.failure(parameter, value), ContainsSubstring(" of step 3 is not finite"));
    }
  }
}

}  // namespace

TEST_CASE("not finite: NaN in any parameter is found in the step that uses it first, for every variant") {
  check_found(std::numeric_limits<float>::quiet_NaN());
}

TEST_CASE(
    "not finite: infinity in any parameter is found in the step that uses it first, for every variant") {
  check_found(std::numeric_limits<float>::infinity());
}

TEST_CASE("not finite: a training whose numbers stay finite is not stopped") {
  const Small small("softmax");
  CHECK(small.failure(small.parameters()[0], 0.0f).empty());
}

#if defined(__SSE__)
TEST_CASE("not finite: NaN is found if a library has switched on flush-to-zero for the process") {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // what linking with fast math does
  const Small small("softmax");
  const std::string failure = small.failure(small.parameters()[0], std::numeric_limits<float>::quiet_NaN());
  _mm_setcsr(before);
  CHECK_THAT(failure, ContainsSubstring(" of step 3 is not finite"));
}
#endif
