#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/run/progress.h"
#include "experiments/run/run_directory.h"
#include "results/errors.h"
#include "results/shard.h"

namespace heed::cli {
namespace {

int run(const Input& input, Registry&) {
  const RunDirectory directory(input.get<std::string>("directory"));
  std::map<std::string, std::size_t> counts;
  std::vector<std::string> failures, seconds;
  for (const PlanLine& line : directory.read_plan()) {
    std::string state;
    try {
      auto outcome = directory.outcome(line.id);
      const bool running = !outcome && directory.running(line.id);
      if (!outcome && !running) outcome = directory.outcome(line.id);  // ended in between
      state = outcome ? results::to_string(*outcome) : running ? "running" : "pending";
      if (outcome && *outcome != results::Status::done) {
        const results::Record record = results::read_shard_summary(directory.trial(line.id));
        failures.push_back(fmt::format("{}  {}: {}\n  log: {}", line.id, line.text(),
                                       status_text(*outcome, record.reason, record.last_step),
                                       directory.log(line.id).string()));
      }
    } catch (const results::DamagedFile& e) {
      state = "damaged";
      failures.push_back(fmt::format("{}  {}: {} {}", line.id, line.text(), e.what(), kDamageRemedy));
    }
    if (const auto second = second_copy(directory.trial(line.id)); std::filesystem::exists(second))
      seconds.push_back(fmt::format("{}  {}: another process has recorded it differently\n  kept: {}",
                                    line.id, line.text(), second.string()));
    ++counts[state];
  }
  std::string text;
  for (const char* state : {"pending", "running", "done", "diverged", "failed", "killed", "damaged"})
    if (counts[state] > 0 || std::string(state) != "damaged")
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[state], state);
  fmt::print("{}\n", text);
  for (const auto& lines : {failures, seconds})
    for (const std::string& line : lines) fmt::print("{}\n", line);
  return failures.empty() ? kDone : kSomeFailed;
}

}  // namespace

Command status_command() {
  Command c;
  c.name = "status";
  c.synopsis = "DIR";
  c.summary = "show how many trials are pending, running, done or failed, and why";
  c.details = "    heed status runs/quickstart";
  c.arguments = {"directory"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
