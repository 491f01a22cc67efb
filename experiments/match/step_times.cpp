#include "experiments/match/step_times.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <memory>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "experiments/run/message.h"
#include "experiments/run/run_directory.h"
#include "experiments/train/stages.h"
#include "experiments/train/trial.h"
#include "results/errors.h"
#include "results/hashed_text.h"

namespace heed {
namespace {

constexpr double kRoundMilliseconds = 10;
constexpr const char* kHeader =
    "# Sizes found by measuring (compare.match: step_time); without this file they are measured anew.";

constexpr const char* kRemedy =
    "restore it, or remove it: then sizes are measured anew, and may differ from those of trials that are "
    "there.";

double processor_milliseconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

// A trial's model in training.
class Runner {
 public:
  Runner(const TrialConfig& trial, const Registry& registry)
      : task_(registry.task(trial.task.name).make(trial.task.options, trial.seed)),
        sized_(model_spec(trial, *task_), registry, trial.seed),
        training_(sized_.model, sized_.params, *task_, trial.train, 1) {
    round(2);  // takes the memory
    updates_ = static_cast<Index>(std::clamp(std::ceil(kRoundMilliseconds / round(1)), 1.0, 100.0));
  }

  double round() { return round(updates_); }  // milliseconds of one update

 private:
  double round(Index updates) {
    const double begin = processor_milliseconds();
    for (Index i = 0; i < updates; ++i) training_.update(step_++);
    return (processor_milliseconds() - begin) / static_cast<double>(updates);
  }

  std::unique_ptr<Task> task_;
  SizedModel sized_;
  Training training_;
  Index step_ = 0, updates_ = 1;
};

}  // namespace

std::pair<double, double> time_in_turn(const TrialConfig& a, const TrialConfig& b, const Registry& registry,
                                       int rounds) {
  Runner of_a(a, registry), of_b(b, registry);
  std::vector<double> times_a, ratios;
  for (int i = 0; i < rounds; ++i) {
    times_a.push_back(of_a.round());
    ratios.push_back(of_b.round() / times_a.back());
  }
  const double first = median(times_a);
  return {first, first * median(ratios)};
}

StepTimes::StepTimes(std::filesystem::path file, StepTimer timer, std::FILE* messages)
    : file_(std::move(file)), timer_(std::move(timer)), messages_(messages) {
  read();
}

// A line each: key, knob, its value, target and what was reached.
void StepTimes::read() {
  if (!std::filesystem::exists(file_)) return;
  std::istringstream text(results::read_hashed_text(file_, kRemedy));
  std::string line;
  std::getline(text, line);
  if (line != kHeader)
    throw results::DamagedFile(file_, fmt::format("it does not begin as heed writes it; {}", kRemedy));
  while (std::getline(text, line)) {
    std::istringstream fields(line);
    std::string key;
    Matched m;
    if (!(fields >> key >> m.knob >> m.value >> m.target >> m.reached) || !fields.eof())
      throw results::DamagedFile(file_, fmt::format("'{}' is not as heed writes it; {}", line, kRemedy));
    if (m.knob == "-") m.knob.clear();
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
    text +=
        fmt::format("{}\t{}\t{}\t{}\t{}\n", k, m.knob.empty() ? "-" : m.knob, m.value, m.target, m.reached);
  results::write_hashed_text(file_, text);
}

FileLock StepTimes::lock() const {
  if (file_.has_parent_path()) make_folder(file_.parent_path());
  return FileLock(file_.string() + ".lock");
}

}  // namespace heed
