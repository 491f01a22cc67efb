#pragma once

#include <unistd.h>

#include <array>
#include <string>

namespace heed::results {

// Returns the name of this machine, or an empty string if it is unknown.
inline std::string host_name() {
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

}  // namespace heed::results
