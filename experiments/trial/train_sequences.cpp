#include "experiments/trial/train_sequences.h"

#include <string>

#include "core/options.h"

namespace heed {

Index take_train_sequences(Config& task, Problems& problems) {
  Index sequences = 0;
  const Config* given = task.find(kTrainSequences);
  if (!given) return sequences;
  detail::from_config(*given, std::string("task.") + kTrainSequences, {.min = 0}, sequences, problems);
  task.erase(kTrainSequences);
  return sequences;
}

}  // namespace heed
