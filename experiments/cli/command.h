#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/system/exit_codes.h"

namespace heed::cli {

namespace po = boost::program_options;

// A wrong command line (exit code kWrongCommandLine).
class UsageError : public Error {
 public:
  using Error::Error;
};

// The parsed command line of one verb.
struct Input {
  po::variables_map options;
  std::string command;  // the whole command line, quoted for a shell, for records

  bool has(const std::string& name) const { return options.count(name) > 0; }
  // Requires: the option has a value or a default of type T.
  template <class T>
  T get(const std::string& name) const {
    return options[name].as<T>();
  }
  // Returns all values of an option that may be repeated; none if it is not given.
  std::vector<std::string> all(const std::string& name) const {
    return has(name) ? get<std::vector<std::string>>(name) : std::vector<std::string>();
  }
};

// Returns the value of an integer option, or `otherwise` if it is not given. Throws: UsageError if it is
// less than 1 or more than `most`.
int integer_option(const Input& input, const char* name, int otherwise,
                   int most = std::numeric_limits<int>::max());

// The largest --threads, --jobs and number of ranks. Far more of them exhaust the process's memory map, and
// the program crashes.
inline constexpr int kMostThreads = 1024;

int threads_option(const Input& input);            // returns --threads (1)
int jobs_option(const Input& input, int threads);  // returns --jobs (the number of cores / threads)

// Returns --seed (0). Throws: UsageError if it is negative.
std::int64_t seed_option(const Input& input);

// Throws: UsageError if one of these options is given. why: "with --decode, which measures layers"
void refuse_ineffective(const Input& input, std::initializer_list<const char*> names, const char* why);

// Returns true if standard error is a terminal that can draw.
bool messages_reach_a_terminal();

// One verb of `heed`. Each has its own file.
struct Command {
  std::string name;
  std::string synopsis;  // after the name: "SWEEP.yaml [key=value ...]"
  std::string summary;   // one line
  std::string details;   // more details, with an example
  po::options_description options = po::options_description("Options");
  po::options_description hidden_options = {};  // for heed itself, not shown
  // Positional arguments: their names in order. If the last one ends in "...", it takes all remaining
  // words.
  std::vector<std::string> arguments = {};
  std::size_t required = 0;                       // how many of them are required
  bool internal = false;                          // not shown in `heed --help`
  bool loads_plugins = false;                     // loads --plugin and HEED_PLUGIN_PATH
  int (*run)(const Input&, Registry&) = nullptr;  // returns the exit code
};

Command bench_command();
Command check_command();
Command compare_command();
Command data_command();
Command list_command();
Command merge_command();
Command new_command();
Command plan_command();
Command report_command();
Command run_command();
Command status_command();
Command submit_command();
Command time_steps_command();
Command trial_command();
Command verify_command();

}  // namespace heed::cli
