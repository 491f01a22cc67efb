#include "tests/faults/six_trials.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "results/atomic_file.h"
#include "results/comparison.h"
#include "results/trial_file.h"
#include "tests/paths.h"

namespace heed::test {
namespace {

namespace fs = std::filesystem;
using results::Status;

constexpr const char* kSweep = R"(name: six
variants: [softmax, linear]
task: {name: mqar, length: 8, pairs: 2, vocab: 16}
model: {layers: 1, heads: 1, dim: 8}
train: {steps: 12, warmup: 2, batch: 4, lr: 0.01, evaluate_sequences: 8, test_sequences: 8, checkpoint: 2ms}
sweep: {seeds: 3}
)";

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool long_form() { return std::getenv("HEED_LONG_TESTS") != nullptr; }

Environment::Environment(std::string name, const std::string& value) : name_(std::move(name)) {
  setenv(name_.c_str(), value.c_str(), 1);
}
Environment::~Environment() { unsetenv(name_.c_str()); }

Faults::Faults(const TempFolder& scratch, const fs::path& folder, Fault fault, bool for_good, long at) {
  const fs::path file = scratch / "fault_plan";
  fs::remove(file);
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(FaultPlan)) != 0) throw std::runtime_error("no fault plan");
  void* mapped = mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("no fault plan");
  plan_ = new (mapped) FaultPlan{};
  plan_->fault = fault;
  plan_->for_good = for_good;
  plan_->at = at;
  std::snprintf(plan_->folder, sizeof plan_->folder, "%s", folder.c_str());
  file_ = std::make_unique<Environment>(kFaultVariable, file.string());
  const char* library = std::getenv("HEED_FAULT_LIBRARY");
  library_ = std::make_unique<Environment>(
      "LD_PRELOAD", library ? library : (build_dir() / "tests/faults/libfaults.so").string());
}

Faults::~Faults() { munmap(plan_, sizeof(FaultPlan)); }

SixTrials::SixTrials() {
  write_file(folder_ / "six.yaml", kSweep);
  const double begin = now();
  const Ended ended = run("undisturbed", 2);
  seconds_ = now() - begin;
  if (ended.code != 0) throw std::runtime_error("an undisturbed sweep fails: " + ended.err);
}

Words SixTrials::words(const std::string& out, int jobs) {
  return {"run", "six.yaml", "-o", out, "-j", fmt::format("{}", jobs)};
}

Ended SixTrials::run(const std::string& out, int jobs, const Words& more) const {
  Words all = words(out, jobs);
  all.insert(all.end(), more.begin(), more.end());
  Program program(folder_.path(), all);
  return wait_for(program);
}

Files SixTrials::finished(const std::string& out, bool may_fail) {
  Files files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory(out) / "trials", none)) {
    if (entry.path().extension() != ".h5") continue;
    const std::string id = entry.path().stem().string();
    try {
      const results::Record record = results::read_trial(entry.path());
      const bool ended = record.status == Status::done || record.status == Status::diverged;
      if (!ended && !may_fail) problem(id, "is recorded as failed: " + record.reason);
      if (!ended) continue;
      ++checked_;
      const fs::path expected = folder_ / "undisturbed/trials" / entry.path().filename();
      if (const Words different = results::compare_results(expected, entry.path()); !different.empty())
        problem(id, fmt::format("differs in {}", fmt::join(different, ", ")));
      files[id] = results::read_file(entry.path());
    } catch (const std::exception& e) {
      problem(id, fmt::format("lost: {}", e.what()));
    }
  }
  return files;
}

void SixTrials::resume(const std::string& out, int jobs, const Files& before, bool may_fail) {
  const Ended ended = run(out, jobs, may_fail ? Words{"--retry-failed"} : Words{});
  if (ended.code != 0) return problem("continued", fmt::format("exit code {}: {}", ended.code, ended.err));
  if (count_of(ended.err, ": done in") != 6 - before.size())
    problem("continued", fmt::format("{} were done before, yet: {}", before.size(), ended.err));
  for (const auto& [id, bytes] : before)
    if (results::read_file(directory(out) / "trials" / (id + ".h5")) != bytes)
      problem(id, "was written again");
  check_results(out);
  for (const auto& entry : fs::recursive_directory_iterator(directory(out)))
    if (entry.path().string().find(".tmp.") != std::string::npos ||
        entry.path().parent_path().filename() == "checkpoints")
      problem("continued", "leaves " + entry.path().string());
}

void SixTrials::check_results(const std::string& out) {
  const fs::path expected = directory("undisturbed") / "results.h5";
  try {
    const Words different = results::compare_results(expected, directory(out) / "results.h5");
    if (!different.empty()) problem("results.h5", fmt::format("differs in {}", fmt::join(different, ", ")));
  } catch (const std::exception& e) {
    problem("results.h5", e.what());
  }
}

void SixTrials::remove(const std::string& out) const { fs::remove_all(directory(out)); }

void SixTrials::problem(const std::string& where, const std::string& what) {
  problems_.push_back(where + ": " + what);
  fmt::print("  {}\n", problems_.back());
  std::fflush(stdout);
}

std::vector<pid_t> processes_with(const std::string& name, const std::string& value) {
  std::vector<pid_t> found;
  const std::string wanted = '\0' + name + '=' + value + '\0';
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    if (!std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    const std::string environment = '\0' + read_file(entry.path() / "environ");  // empty once it is dead
    if (environment.find(wanted) != std::string::npos) found.push_back(std::stoi(pid));
  }
  return found;
}

Ended wait_for(Program& program, double seconds) {
  const double until = now() + seconds;
  for (;;) {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(program.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid != 0) return program.wait();
    if (now() > until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  program.signal(SIGKILL);
  Ended ended = program.wait();
  ended.code = kHangs;
  return ended;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace heed::test
