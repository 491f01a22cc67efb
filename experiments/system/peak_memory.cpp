#include "experiments/system/peak_memory.h"

#include <fstream>
#include <limits>
#include <string>

namespace heed {

double peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));  // in kB
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace heed
