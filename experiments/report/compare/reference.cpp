#include "experiments/report/compare/reference.h"

#include <algorithm>

#include <fmt/format.h>

namespace heed {

bool is_of_reference(const std::string& path, const CompareOptions& options) {
  return std::ranges::any_of(options.reference_values, [&](const auto& v) {
    return v.first == path || (!slot_of(path).empty() && slot_of(v.first) == path);
  });
}

std::string reference_name(const Trials& trials, const CompareOptions& options) {
  const std::string variant = options.reference.empty() ? trials.variant[0] : options.reference;
  std::vector<std::string> values;
  for (const auto& [path, value] : options.reference_values) {
    const std::string name = path.ends_with(".name") ? path.substr(0, path.rfind('.')) : path;
    values.push_back(fmt::format("{}={}", name.substr(name.rfind('.') + 1), value));
  }
  return values.empty() ? variant : fmt::format("{} ({})", variant, fmt::join(values, " "));
}

void refuse_missing_reference(const std::vector<Group>& groups, const Comparison& comparison,
                              const CompareOptions& options, std::size_t ended) {
  if (options.reference_values.empty() || options.planned > ended ||
      std::ranges::any_of(groups, [](const Group& g) { return g.row.is_reference; }))
    return;
  std::vector<std::string> rows;
  for (const Group& g : groups) {
    std::vector<std::string> values;
    for (std::size_t c = 0; c < comparison.varied.size(); ++c)
      values.push_back(fmt::format("{}={}", comparison.varied[c], g.row.setting[c]));
    rows.push_back(values.empty() ? g.row.variant
                                  : fmt::format("{} ({})", g.row.variant, fmt::join(values, " ")));
  }
  constexpr std::size_t kMostRows = 20;
  const std::size_t more = rows.size() > kMostRows ? rows.size() - kMostRows : 0;
  rows.resize(rows.size() - more);
  throw Error(fmt::format("the results have no row of the reference {}. Rows: {}{}.", comparison.reference,
                          fmt::join(rows, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

}  // namespace heed
