#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/run/progress.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/worker.h"
#include "experiments/system/message.h"
#include "experiments/system/process.h"
#include "experiments/train/checkpoint.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed::cli {
namespace {

constexpr int kMillisecondsBetweenLooks = 2000;  // --watch
constexpr std::size_t kMostLines = 50;           // of one kind

// The state of a run directory at one time.
struct Look {
  std::map<std::string, std::size_t> counts;
  std::vector<std::string> running, stopped, failures, seconds;  // lines
  bool over() const { return !counts.contains("pending") && !counts.contains("running"); }
};

// Returns "checkpoint after 120 steps", or an empty string.
std::string checkpoint_text(const RunDirectory& directory, const std::string& id) {
  const auto step = Checkpoints(directory.checkpoint(id), id).latest_step();
  return step ? fmt::format("checkpoint after {}", count_text(static_cast<std::size_t>(*step), "step")) : "";
}

// The progress file may be absent or old; the line then has no numbers.
std::string running_line(const RunDirectory& directory, const PlanLine& line) {
  std::ifstream file(directory.progress(line.id));
  std::string report;
  std::getline(file, report);
  const std::string checkpoint = checkpoint_text(directory, line.id);
  return fmt::format("{}: {}{}{}", line.to_string(),
                     progress_text(read_report(report).progress.value_or(TrialProgress())),
                     checkpoint.empty() ? "" : "  ", checkpoint);
}

void look_at_unfinished(const RunDirectory& directory, const PlanLine& line, bool running, Look& look) {
  if (running) return look.running.push_back(running_line(directory, line));
  const std::string checkpoint = checkpoint_text(directory, line.id);
  if (!checkpoint.empty()) look.stopped.push_back(fmt::format("{}: {}", line.to_string(), checkpoint));
}

// Returns the trial's state in a word.
std::string look_at(const RunDirectory& directory, const PlanLine& line, Look& look) {
  try {
    auto outcome = directory.outcome(line.id);
    const bool running = !outcome && directory.running(line.id);
    if (!outcome && !running) outcome = directory.outcome(line.id);  // it may have ended in between
    if (!outcome) {
      look_at_unfinished(directory, line, running, look);
      return running ? "running" : "pending";
    }
    if (*outcome != results::Status::done) {
      const results::Record record = results::read_trial_summary(directory.trial(line.id));
      const std::string how = status_text(*outcome, record.reason, record.last_step);
      if (*outcome == results::Status::stopped)
        look.stopped.push_back(fmt::format("{}: {}", line.to_string(), how));
      else
        look.failures.push_back(fmt::format("{}  {}: {}\n  log: {}", line.id, line.to_string(), how,
                                            directory.log(line.id).string()));
    }
    return results::to_string(*outcome);
  } catch (const results::DamagedFile& e) {
    look.failures.push_back(fmt::format("{}  {}: {} {}", line.id, line.to_string(), e.what(), kDamageRemedy));
    return "damaged";
  }
}

Look look_at(const RunDirectory& directory) {
  Look look;
  for (const PlanLine& line : directory.read_plan()) {
    ++look.counts[look_at(directory, line, look)];
    if (const auto second = second_copy(directory.trial(line.id)); std::filesystem::exists(second))
      look.seconds.push_back(fmt::format("{}  {}: another process has recorded it differently\n  kept: {}",
                                         line.id, line.to_string(), second.string()));
  }
  return look;
}

std::string text_of(const Look& look) {
  std::string text;
  for (const char* state :
       {"pending", "running", "done", "stopped", "diverged", "failed", "killed", "damaged"}) {
    const auto at = look.counts.find(state);
    const std::size_t count = at == look.counts.end() ? 0 : at->second;
    const bool is_rare = std::string(state) == "stopped" || std::string(state) == "damaged";
    if (count > 0 || !is_rare) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  }
  text += '\n';
  for (const auto& lines : {look.running, look.stopped, look.failures, look.seconds}) {
    const std::size_t shown = std::min(lines.size(), kMostLines);
    for (std::size_t i = 0; i < shown; ++i) text += lines[i] + '\n';
    if (shown < lines.size()) text += fmt::format("... and {} more like these\n", lines.size() - shown);
  }
  return text;
}

// Prints the state repeatedly, until nothing is left to run or a signal asks to stop.
Look watch(const RunDirectory& directory) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const Signals signals;
  for (bool first = true;; first = false) {
    Look look = look_at(directory);
    const char* before = terminal ? "\033[H\033[2J" : first ? "" : "\n";  // clears the screen
    write_message(stdout, before + text_of(look));
    if (look.over() || std::ferror(stdout) != 0) return look;
    pollfd asked = {signals.descriptor(), POLLIN, 0};
    poll(&asked, 1, kMillisecondsBetweenLooks);
    if (signals.asked().to_stop > 0) return look;
  }
}

int run(const Input& input, Registry&) {
  const RunDirectory directory(input.get<std::string>("directory"));
  const bool again = input.has("watch");
  const Look look = again ? watch(directory) : look_at(directory);
  if (!again) fmt::print("{}", text_of(look));
  return look.failures.empty() ? kDone : kSomeFailed;
}

}  // namespace

Command status_command() {
  Command c;
  c.name = "status";
  c.synopsis = "DIR [--watch]";
  c.summary = "show how many trials are pending, running, done or failed, and why";
  c.details =
      "One line for each running trial, with step, loss, time left and checkpoint, and one for each stopped "
      "trial that has\n"
      "a checkpoint. The exit code is 1 if a trial has failed.\n"
      "\n"
      "    heed status runs/quickstart --watch";
  c.options.add_options()("watch", "repeat every two seconds, until all trials have ended or Ctrl-C");
  c.arguments = {"directory"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
