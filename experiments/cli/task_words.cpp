#include "experiments/cli/task_words.h"

#include <utility>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/sweep/overrides.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/system/message.h"

namespace heed::cli {

void set_task_options(const std::vector<std::string>& words, Config& options, Problems& problems) {
  const Config before = options;
  std::vector<std::string> own = words;
  for (std::string& word : own) {
    if (word.starts_with("task.")) word.erase(0, 5);
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(
          fmt::format("'{}' is not understood; an option of a task is key=value, such as length=128.", word));
    const std::string key = word.substr(0, equals);
    if (before.find(key)) say("{} of --task has no effect: {} replaces it.", key, word);
    if (auto value = command_line_value(key, word.substr(equals + 1), problems))
      set_path(options, key, *std::move(value), options.place());
  }
  for (const std::string& note : repeated_keys(own)) say("{}", note);
}

}  // namespace heed::cli
