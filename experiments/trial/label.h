#pragma once

#include <string>
#include <utility>
#include <vector>

namespace heed {

// Returns what a table calls a thing: its name, and the options that distinguish it from others,
// "rope(fraction=0.5)".
std::string label(const std::string& name, const std::vector<std::pair<std::string, std::string>>& shown);

}  // namespace heed
