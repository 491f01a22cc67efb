#include "experiments/cli/time_steps.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/cli/command.h"
#include "experiments/run/progress.h"
#include "experiments/run/worker.h"
#include "experiments/run/worker_process.h"
#include "experiments/system/process.h"
#include "experiments/system/this_program.h"
#include "experiments/trial/yaml.h"

namespace heed::cli {
namespace {

// "times 1.5 1.7" or "failed the reason", through the pipe to the process that asked.
// One line, so that the reader needs no framing. Errors are ignored: the parent then sees a closed pipe.
void report(std::string line) {
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  [[maybe_unused]] const ssize_t written = write(kReportDescriptor, line.data(), line.size());
}

TrialConfig trial_of(const Input& input, const char* option) {
  Problems problems;
  const auto tree = parse_yaml(input.get<std::string>(option), option, problems);
  problems.throw_if_any();
  return trial_from_config(*tree);
}

int run(const Input& input, Registry& registry) {
  try {
    // First, so that loading a plugin counts too.
    limit_memory(input.get<double>("memory-limit"));
    registry.set_task_cache(input.get<std::string>("task-cache"));
    const TrialConfig a = trial_of(input, "reference"), b = trial_of(input, "trial");
    for (const TrialConfig* trial : {&a, &b})
      for (const PluginOrigin& plugin : trial->plugins) load_plugin(plugin, registry);
    const auto [first, second] = time_in_turn(a, b, registry, input.get<int>("rounds"));
    report(fmt::format("times {} {}", first, second));
    return kDone;
  } catch (const std::bad_alloc&) {
    report("failed out of memory (limits.memory)");
  } catch (const std::exception& e) {
    report(fmt::format("failed {}", e.what()));
  } catch (...) {
    report("failed something was thrown that is no std::exception");
  }
  return kSomeFailed;
}

}  // namespace

std::pair<double, double> time_apart(const std::filesystem::path& task_cache, const TrialConfig& a,
                                     const TrialConfig& b, int rounds, const Limits& limits) {
  constexpr double kNoLimit = std::numeric_limits<double>::infinity();
  const EndedProcess ended = run_apart(
      kThisProgram,
      this_program_with({"time-steps", "--reference", to_config(a).yaml(), "--trial", to_config(b).yaml(),
                         "--rounds", fmt::format("{}", rounds), "--memory-limit",
                         fmt::format("{:.0f}", limits.memory_bytes), "--task-cache", task_cache.string()}),
      Signals(), true, limits.seconds > 0 ? limits.seconds : kNoLimit);
  if (ended.stopped) throw Stopped("Stopped. What was measured is kept; the same command again continues.");
  std::istringstream said(ended.output);
  std::string word, reason;
  double first = 0, second = 0;
  if (said >> word && word == "times" && said >> first >> second) return {first, second};
  if (word == "failed")
    std::getline(said >> std::ws, reason);
  else if (ended.too_long)
    reason = fmt::format("it took longer than {} (limits.time)", duration_text(limits.seconds));
  else
    reason = failure_of(ended.status).reason;
  throw StepTimingFailed(a.variant == b.variant
                             ? fmt::format("{}: {}", a.variant, reason)
                             : fmt::format("{} beside {}: {}", b.variant, a.variant, reason));
}

Command time_steps_command() {
  Command c;
  c.name = "time-steps";
  c.synopsis = "--reference TEXT --trial TEXT";
  c.summary = "measure steps for compare.match: step_time, in a process of its own";
  c.details = "Reports to the process that started it, and prints nothing.";
  c.options.add_options()("reference", po::value<std::string>()->required(), "a resolved configuration")(
      "trial", po::value<std::string>()->required(), "a resolved configuration")(
      "rounds", po::value<int>()->default_value(15), "rounds of training steps")(
      "memory-limit", po::value<double>()->default_value(0), "bytes")(
      "task-cache", po::value<std::string>()->default_value(""), "a folder with the subwords of the run");
  c.internal = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
