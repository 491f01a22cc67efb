#include "experiments/train/provenance.h"

#include <array>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "core/instruction_set.h"
#include "results/host_name.h"

namespace heed {

// CMake defines the HEED_... strings, only for this file.
std::string heed_version() { return HEED_VERSION; }

std::string build_stamp() {
  constexpr std::string_view kBuiltFor = HEED_ARCH;
  const std::string kernels =
      kernel_arch() == kBuiltFor ? "" : fmt::format("kernels for {}; ", kernel_arch());
  return fmt::format("{}; {}; {}{}; Eigen {}", HEED_COMPILER, HEED_FLAGS, kernels, instruction_set(),
                     HEED_EIGEN);
}

std::string version_text() {
  return fmt::format("heed {}\nbuild: {}\nlibraries: HDF5 {}, yaml-cpp {}, Boost {}, fmt {}.{}.{}\n",
                     HEED_VERSION, build_stamp(), HEED_HDF5, HEED_YAML_CPP, HEED_BOOST, FMT_VERSION / 10000,
                     FMT_VERSION / 100 % 100, FMT_VERSION % 100);
}

results::Provenance provenance(const std::string& command) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> created{};
  std::strftime(created.data(), created.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {heed_version(), build_stamp(), results::host_name(), command, created.data()};
}

}  // namespace heed
