#include "experiments/train/provenance.h"

#include <array>
#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "results/host_name.h"

namespace heed {
namespace {

// Returns the CPU features that change how the compiler vectorizes loops.
std::string instruction_set() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  features.emplace_back("x86-64");
#elif defined(__aarch64__)
  features.emplace_back("aarch64");
#endif
#ifdef __AVX2__
  features.emplace_back("AVX2");
#endif
#ifdef __FMA__
  features.emplace_back("FMA");
#endif
#ifdef __AVX512F__
  features.emplace_back("AVX512F");
#endif
#ifdef __AVX512BF16__
  features.emplace_back("AVX512-BF16");
#endif
#ifdef __ARM_FEATURE_SVE
  features.push_back("SVE");
#endif
  return fmt::format("{}", fmt::join(features, " "));
}

}  // namespace

// CMake defines the HEED_... strings, only for this file.
std::string heed_version() { return HEED_VERSION; }

std::string build_stamp() {
  return fmt::format("{}; {}; {}; Eigen {}", HEED_COMPILER, HEED_FLAGS, instruction_set(), HEED_EIGEN);
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
