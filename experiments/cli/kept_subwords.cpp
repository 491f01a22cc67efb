#include "experiments/cli/kept_subwords.h"

#include <filesystem>
#include <memory>
#include <string>

#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/tasks/subword_folder.h"
#include "experiments/tasks/subwords.h"
#include "experiments/trial/task_of.h"
#include "results/atomic_file.h"

namespace heed::cli {

void keep_subwords(const RunDirectory& directory, const Sweep& sweep, const Registry& registry) {
  const SubwordFolder folder(directory.subwords());
  for (const PlannedTrial& trial : sweep.trials) {
    const Config* hash = trial.config.task.options.find("subwords");
    if (!hash || hash->text().empty()) continue;
    const std::filesystem::path file = folder.model_file(hash->text());
    const bool is_there = std::filesystem::exists(file), is_good = folder.model(hash->text()).has_value();
    if (is_good && std::filesystem::exists(folder.origin_file(hash->text()))) continue;
    const std::unique_ptr<Task> task = task_of(trial.config, registry);
    const auto* traits = dynamic_cast<const SubwordsTraits*>(&own_task(*task));
    if (!traits || !traits->subwords()) continue;  // a plugin's option of this name
    if (is_there && !is_good) say("{} was damaged: the subwords were trained again.", file.string());
    make_folder(directory.subwords());
    results::write_text(file, traits->subwords()->model());
    results::write_text(folder.origin_file(hash->text()), traits->subwords_origin());
  }
}

}  // namespace heed::cli
