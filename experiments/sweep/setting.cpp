#include "experiments/sweep/setting.h"

#include <utility>

#include <fmt/format.h>

#include "experiments/trial/label.h"

namespace heed {

std::string short_text(const Config& value) {
  if (!value.is_map() || value.entries().size() != 1) return value.canonical();
  std::vector<std::pair<std::string, std::string>> options;
  for (const Config::Entry& e : value.entries()[0].value.entries())
    options.emplace_back(e.key, e.value.canonical());
  return label(value.entries()[0].key, options);
}

std::string setting_text(const std::vector<Setting>& settings) {
  std::vector<std::string> parts;
  for (const Setting& s : settings)
    parts.push_back(s.path.substr(s.path.rfind('.') + 1) + '=' +
                    (s.shown.empty() ? short_text(s.value) : s.shown));
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace heed
