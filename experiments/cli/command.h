#pragma once

#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/error.h"
#include "core/registry.h"

namespace heed::cli {

namespace po = boost::program_options;

// PRODUCT's exit codes are the user's contract.
enum ExitCode {
  kDone = 0,
  kSomeFailed = 1,
  kWrongCommandLine = 2,
  kRefusedConfiguration = 64,
  kDamagedFile = 65,
  kRefusedPlugin = 66,
  kBug = 70,
  kInputOutput = 74,
  kStopped = 75,
};

// The command line is wrong (exit code 2).
class UsageError : public Error {
 public:
  using Error::Error;
};

struct Input {
  po::variables_map options;
  std::string command;  // the whole command line, for records

  bool has(const std::string& name) const { return options.count(name) > 0; }
  template <class T>
  T get(const std::string& name) const {
    return options[name].as<T>();
  }
  std::vector<std::string> all(const std::string& name) const {
    return has(name) ? get<std::vector<std::string>>(name) : std::vector<std::string>();
  }
};

// The value of a numeric option, at least 1. UsageError where it is less.
int whole_number(const Input& input, const char* name, int otherwise);

// Is standard error a terminal that can draw?
bool messages_reach_a_terminal();

// One verb of `heed`, in a file of its own.
struct Command {
  std::string name;
  std::string synopsis;  // behind the name: "SWEEP.yaml [key=value ...]"
  std::string summary;   // one line
  std::string details;   // what else a user must know, with an example
  po::options_description options = po::options_description("Options");
  // Words without a dash: their names in order; the last one takes all that follow when it ends in "...".
  std::vector<std::string> arguments = {};
  std::size_t required = 0;    // how many of them must be there
  bool internal = false;       // not shown in `heed --help`
  bool loads_plugins = false;  // takes --plugin and HEED_PLUGIN_PATH
  int (*run)(const Input&, Registry&) = nullptr;
};

Command bench_command();
Command check_command();
Command compare_command();
Command data_command();
Command list_command();
Command merge_command();
Command merge_worker_command();
Command new_command();
Command plan_command();
Command report_command();
Command report_worker_command();
Command run_command();
Command status_command();
Command submit_command();
Command time_steps_command();
Command trial_command();
Command verify_command();

}  // namespace heed::cli
