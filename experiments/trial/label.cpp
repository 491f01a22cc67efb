#include "experiments/trial/label.h"

#include <fmt/format.h>

namespace heed {

std::string label(const std::string& name, const std::vector<std::pair<std::string, std::string>>& shown) {
  std::vector<std::string> parts;
  for (const auto& [option, value] : shown) parts.push_back(fmt::format("{}={}", option, value));
  return parts.empty() ? name : fmt::format("{}({})", name, fmt::join(parts, ","));
}

}  // namespace heed
