// A sweep of six short trials whose results are known: each test disturbs runs of it in its own way.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/experiments/cli/program.h"
#include "tests/faults/fault_plan.h"
#include "tests/results/temp_folder.h"

namespace heed::test {

using Words = std::vector<std::string>;

// Are the minutes there for every fault point ($HEED_LONG_TESTS)? Otherwise a test takes a sample.
bool long_form();

// A variable of the environment while it lives, for the programs that are started meanwhile.
class Environment {
 public:
  Environment(std::string name, const std::string& value);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

 private:
  std::string name_;
};

// While it lives, programs are started with the fault library and this plan.
class Faults {
 public:
  // Counts calls on paths below `folder`.
  Faults(const TempFolder& scratch, const std::filesystem::path& folder, Fault fault, bool for_good, long at);
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults();

  const FaultPlan& plan() const { return *plan_; }

 private:
  FaultPlan* plan_;
  std::unique_ptr<Environment> file_, library_;
};

// The bytes of finished trials' files, by id.
using Files = std::map<std::string, std::vector<std::byte>>;

class SixTrials {
 public:
  SixTrials();  // runs the sweep once, undisturbed

  const TempFolder& folder() const { return folder_; }
  double seconds() const { return seconds_; }  // that one undisturbed run takes
  std::filesystem::path directory(const std::string& out) const { return folder_ / out; }

  // The command whose run directory is `out`.
  static Words words(const std::string& out, int jobs);
  Ended run(const std::string& out, int jobs, const Words& more = {}) const;

  // The files of the trials that are done or diverged, each whole and equal to an undisturbed run's. A trial
  // that failed or was killed is among the problems unless `may_fail`.
  Files finished(const std::string& out, bool may_fail);
  // Runs the same command again: nothing of `before` may have changed or be run again, and results.h5 must
  // equal an undisturbed run's, and no temporary file and no checkpoint may be left. --retry-failed where
  // `may_fail`.
  void resume(const std::string& out, int jobs, const Files& before, bool may_fail);
  void check_results(const std::string& out);  // results.h5 must equal an undisturbed run's
  void remove(const std::string& out) const;

  void problem(const std::string& where, const std::string& what);
  const Words& problems() const { return problems_; }
  long checked() const { return checked_; }  // finished trials looked at

 private:
  TempFolder folder_;
  double seconds_ = 0;
  long checked_ = 0;
  Words problems_;
};

// The living processes that were started, by whomever, with this variable in their environment.
std::vector<pid_t> processes_with(const std::string& name, const std::string& value);

// Like Program::wait, but a program that takes longer is killed, with its workers: code kHangs.
constexpr int kHangs = -2;
Ended wait_for(Program& program, double seconds = 60);

std::size_t count_of(const std::string& text, const std::string& what);

}  // namespace heed::test
