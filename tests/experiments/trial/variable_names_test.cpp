// The names of heed's own parameters in results files.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/model/model_spec.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/train_options.h"
#include "results/names.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

using namespace heed;

namespace {

std::set<std::string> all_parameters() {
  const Registry registry = heed::test::builtin();
  std::set<std::string> paths = {"variant", "seed", "plugins", "grow"};
  const auto add = [&](const std::string& section, const std::vector<OptionInfo>& options) {
    for (const OptionInfo& option : options) paths.insert(section + option.name);
  };
  add("train.", list_options<TrainOptions>());
  add("model.", list_options<ModelOptions>());
  for (const auto& e : registry.optimizers()) add("train.", e.options);
  for (const auto& e : registry.schedules()) add("train.", e.options);
  for (const auto& e : registry.variants())
    for (const char* section : {"attention.", "attention.0.", "model.feed_forward."}) add(section, e.options);
  for (const auto& e : registry.positions()) add("model.positions.", e.options);
  for (const auto& e : registry.tasks()) add("task.", e.options);
  return paths;
}

}  // namespace

TEST_CASE("variable_names: each parameter of heed has a name that nothing else has, in every file") {
  std::set<std::string> taken(results::kReservedNames.begin(), results::kReservedNames.end());
  for (const MetricInfo& m : metrics()) taken.insert(m.name);
  for (const char* other :
       {"step", "eval", "train_loss", "gradient_norm", "validation_loss", "validation_accuracy",
        "test_accuracy_by_depth", "test_accuracy_by_length", kTestLengthAxis, kDepthAxis})
    taken.insert(other);
  std::map<std::string, std::string> meaning;
  for (const std::string& path : all_parameters()) {
    const std::string name = results::variable_names({path}, {})[0];
    INFO(path);
    CHECK_FALSE(taken.contains(name));
    CHECK(meaning.emplace(name, path).first->second == path);
  }
  CHECK(meaning.at("lr") == "train.lr");
  CHECK(meaning.at("eps") == "train.eps");
  CHECK(meaning.at("attention_eps") == "attention.eps");
}
