// The exit codes of `heed`: the program's contract with scripts, and with itself, since it starts itself
// again for trials, merges and drawings.
#pragma once

#include <array>
#include <utility>

namespace heed {

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

inline constexpr std::array<std::pair<ExitCode, const char*>, 9> kExitCodes = {{
    {kDone, "done"},
    {kSomeFailed, "some trials or checks failed"},
    {kWrongCommandLine, "wrong command line"},
    {kRefusedConfiguration, "configuration refused"},
    {kDamagedFile, "damaged file"},
    {kRefusedPlugin, "plugin refused"},
    {kBug, "bug in heed"},
    {kInputOutput, "input or output"},
    {kStopped, "stopped: run again to continue"},
}};

}  // namespace heed
