#include "experiments/cli/time_steps.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/cli/command.h"
#include "experiments/run/progress.h"
#include "experiments/run/worker.h"
#include "experiments/run/worker_process.h"
#include "experiments/system/files.h"
#include "experiments/system/process.h"
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

struct Ended {
  std::string said;
  int status = 0;
  bool too_long = false, stopped = false;
};

Ended wait_for(pid_t pid, const Descriptor& from, double seconds, const Signals& signals) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  Ended ended;
  for (ssize_t n = 1; n != 0;) {
    std::array<pollfd, 2> watched = {{{signals.descriptor(), POLLIN, 0}, {from.get(), POLLIN, 0}}};
    // Wakes up to check the time limit even if nothing arrives.
    poll(watched.data(), watched.size(), 200);
    const std::chrono::duration<double> passed = Clock::now() - begin;
    ended.too_long = ended.too_long || (seconds > 0 && passed.count() > seconds);
    ended.stopped = ended.stopped || (watched[0].revents && signals.asked().to_stop > 0);
    if (ended.too_long || ended.stopped) break;
    std::array<char, 4096> bytes{};
    if (watched[1].revents && (n = read(from.get(), bytes.data(), bytes.size())) > 0)
      ended.said.append(bytes.data(), static_cast<std::size_t>(n));
  }
  // Its pipe is closed, or it must end: whatever it still does, its answer is here.
  for (int i = 0; i < 100 && !ended.too_long && !ended.stopped; ++i) {
    if (waitpid(pid, &ended.status, WNOHANG) == pid) {
      kill(-pid, SIGKILL);  // whatever it has started itself
      return ended;
    }
    poll(nullptr, 0, 10);
  }
  kill(-pid, SIGKILL);
  while (waitpid(pid, &ended.status, 0) < 0 && errno == EINTR) continue;
  return ended;
}

}  // namespace

std::pair<double, double> time_apart(const TrialConfig& a, const TrialConfig& b, int rounds,
                                     const Limits& limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail_to("pipe", "open");
  const Descriptor from(ends[0]), nothing(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Descriptor to(ends[1]);
  const Signals signals;
  const pid_t pid = spawn(
      {"heed", "time-steps", "--reference", to_config(a).yaml(), "--trial", to_config(b).yaml(), "--rounds",
       fmt::format("{}", rounds), "--memory-limit", fmt::format("{:.0f}", limits.memory_bytes)},
      nothing.get(), to.get(), -1, signals);
  // The parent's copy of the writing end must be closed, or the pipe never ends.
  to = Descriptor();
  const Ended ended = wait_for(pid, from, limits.seconds, signals);
  if (ended.stopped) throw Stopped("Stopped. What was measured is kept; the same command again continues.");
  std::istringstream said(ended.said);
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
      "memory-limit", po::value<double>()->default_value(0), "bytes");
  c.internal = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
