#include "experiments/trial/trial_config.h"

#include <string>
#include <vector>

#include "core/options.h"
#include "tests/catch.h"

using namespace heed;

namespace {

TrialConfig default_trial() {
  TrialConfig trial;
  trial.variant = "softmax";
  trial.attention = {{"softmax", Config::map()}};
  trial.task = {"mqar", Config::map()};
  return trial;
}

}  // namespace

TEST_CASE("value_before: says each option that a resolved configuration leaves out") {
  const Config resolved = to_config(default_trial());
  const auto check = [&](const std::string& section, const std::vector<OptionInfo>& options,
                         const Config& defaults) {
    for (const OptionInfo& o : options) {
      const std::string path = section + '.' + o.name;
      CAPTURE(path);
      if (resolved.find_path(path)) continue;
      CHECK(value_before(path) == defaults.find(o.name)->text());
    }
  };
  check("train", list_options<TrainOptions>(), write_options(TrainOptions()));
  check("model", list_options<ModelOptions>(), write_options(ModelOptions()));
  CHECK_FALSE(resolved.find_path("train.context_parallel"));  // the loop above checked something
  CHECK(value_before("train.lr").empty());
}

TEST_CASE("to_config: what it leaves out is read back as it was, another value is written") {
  TrialConfig trial = default_trial();
  CHECK(trial_from_config(to_config(trial)).train.context_parallel == 1);
  trial.train.context_parallel = 2;
  trial.pool = Pool::last;
  const TrialConfig read = trial_from_config(to_config(trial));
  CHECK(read.train.context_parallel == 2);
  CHECK(read.pool == Pool::last);
}
