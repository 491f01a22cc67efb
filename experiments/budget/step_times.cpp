#include "experiments/budget/step_times.h"

#include <sstream>

#include <fmt/format.h>

#include "experiments/system/message.h"
#include "results/checksum.h"
#include "results/errors.h"

namespace heed {
namespace {

constexpr const char* kHeader =
    "# Sizes found by measuring (compare.match: step_time); without this file they are measured again.";

constexpr const char* kRemedy =
    "restore it, or remove it: then sizes are measured again, and may differ from those of trials that are "
    "there.";

}  // namespace

StepTimes::StepTimes(std::filesystem::path file, StepTimer timer, std::FILE* messages)
    : file_(std::move(file)), timer_(std::move(timer)), messages_(messages) {
  read();
}

// A line each: key, tunable, its value, target and what was reached.
void StepTimes::read() {
  if (!std::filesystem::exists(file_)) return;
  std::istringstream text(results::read_checked_text(file_, kRemedy));
  std::string line;
  std::getline(text, line);
  if (line != kHeader)
    throw results::DamagedFile(file_, fmt::format("it does not begin like a file of heed; {}", kRemedy));
  while (std::getline(text, line)) {
    std::istringstream fields(line);
    std::string key;
    Matched m;
    if (!(fields >> key >> m.option >> m.value >> m.target >> m.reached) || !fields.eof())
      throw results::DamagedFile(file_, fmt::format("'{}' is not in heed's format; {}", line, kRemedy));
    if (m.option == "-") m.option.clear();
    found_[key] = m;
  }
}

void StepTimes::say(const std::string& message) const {
  if (messages_) write_message(messages_, message + '\n');
}

const Matched* StepTimes::find(const std::string& key) const {
  const auto at = found_.find(key);
  return at == found_.end() ? nullptr : &at->second;
}

void StepTimes::add(const std::string& key, const Matched& matched) {
  found_[key] = matched;
  std::string text = std::string(kHeader) + '\n';
  for (const auto& [k, m] : found_)
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", k, m.option.empty() ? "-" : m.option, m.value, m.target,
                        m.reached);
  results::write_checked_text(file_, text);
}

FileLock StepTimes::lock() const {
  if (file_.has_parent_path()) make_folder(file_.parent_path());
  return FileLock(file_.string() + ".lock");
}

}  // namespace heed
