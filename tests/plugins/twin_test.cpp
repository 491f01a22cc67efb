// One source, once part of the program and once a plugin: the same bits.
#include <string>
#include <vector>

#include "core/plugin_host.h"
#include "experiments/tasks/builtin.h"
#include "experiments/train/train.h"
#include "tests/catch.h"
#include "tests/paths.h"

void heed_register_my_variant(heed::Registry& registry);  // experiments/cli/new/mixer.cpp

namespace {

std::vector<float> trained(const heed::Registry& registry, const std::string& variant) {
  const auto defaults = [](const heed::Entry& entry) {
    heed::Problems problems;
    return entry.resolve({}, entry.name, problems);
  };
  heed::TrialConfig trial;
  trial.model.layers = 2, trial.model.heads = 2, trial.model.dim = 32;
  trial.attention = {{variant, defaults(registry.variant(variant))}};
  trial.feed_forward = {"mlp", defaults(registry.variant("mlp"))};
  trial.positions = {"learned", defaults(registry.position("learned"))};
  trial.train.steps = 10, trial.train.batch = 8;
  const auto task = registry.task("induction").make(defaults(registry.task("induction")), 0);
  trial.seed = 1;
  const heed::Trained done = heed::train(trial, registry, *task, 1, {});
  REQUIRE(done.log.steps == 10);
  const auto values = done.last->params.values();
  return {values.begin(), values.end()};
}

heed::Registry builtin() {
  heed::Registry registry;
  heed::register_builtin_variants(registry);
  heed::register_builtin_tasks(registry);
  return registry;
}

}  // namespace

TEST_CASE("twin: a variant trains to the same bits as a plugin and in the program") {
  heed::Registry inside = builtin(), outside = builtin();
  heed_register_my_variant(inside);
  heed::load_plugin(heed::test::build_dir() / "plugins/my_variant.so", outside);
  REQUIRE(outside.variant("my_variant").plugin);
  const std::vector<float> values = trained(inside, "my_variant");
  CHECK(trained(outside, "my_variant") == values);
  CHECK(trained(outside, "window") != values);  // the comparison can fail
}
