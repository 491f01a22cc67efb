#include "experiments/trial/train_sequences.h"

#include <string>

#include "core/options.h"

namespace heed {

Index take_train_sequences(Config& task, const std::string& path, Problems& problems) {
  Index sequences = 0;
  const Config* given = task.find(kTrainSequences);
  if (!given) return sequences;
  detail::from_config(*given, path + '.' + kTrainSequences, {.min = 0}, sequences, problems);
  task.erase(kTrainSequences);
  return sequences;
}

// Windows of a text and pairs of a file are drawn without end; but their other splits are finite.
bool has_finite_training(Index train_sequences, const Task& task) {
  return train_sequences > 0 || task.size(Split::validation).has_value();
}

}  // namespace heed
