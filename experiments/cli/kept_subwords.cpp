#include "experiments/cli/kept_subwords.h"

#include <filesystem>
#include <memory>
#include <string>

#include "experiments/system/files.h"
#include "experiments/tasks/subwords.h"
#include "experiments/trial/task_of.h"
#include "results/atomic_file.h"

namespace heed::cli {

void keep_subwords(const RunDirectory& directory, const Sweep& sweep, const Registry& registry) {
  const std::filesystem::path folder = directory.root() / "subwords";
  for (const PlannedTrial& trial : sweep.trials) {
    const Config* hash = trial.config.task.options.find("subwords");
    if (!hash || hash->text().empty()) continue;
    const std::filesystem::path file = folder / (hash->text() + ".model");
    if (std::filesystem::exists(file)) continue;
    const std::unique_ptr<Task> task = task_of(trial.config, registry);
    const auto* subwords = dynamic_cast<const SubwordsTraits*>(&own_task(*task));
    if (!subwords || subwords->subwords_model().empty()) continue;  // a plugin's option of this name
    make_folder(folder);
    results::write_text(file, subwords->subwords_model());
  }
}

}  // namespace heed::cli
