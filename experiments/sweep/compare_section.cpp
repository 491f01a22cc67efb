#include "experiments/sweep/compare_section.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/trial/metrics.h"

namespace heed {
namespace {

// Returns the paths that the sweep varies, and those that one variant varies for itself.
std::vector<std::string> swept_paths(const Axes& axes, const std::vector<VariantEntry>& variants) {
  std::vector<std::string> out = axes.swept;
  std::map<std::string, std::set<std::string>> values;
  for (const VariantEntry& v : variants)
    for (const Setting& s : v.settings)
      if (values[v.label + '\n' + s.path].insert(s.value.canonical()).second &&
          values[v.label + '\n' + s.path].size() == 2 && std::ranges::find(out, s.path) == out.end())
        out.push_back(s.path);
  return out;
}

}  // namespace

CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            Problems& problems) {
  CompareOptions compare;
  const Config* section = tree.find("compare");
  if (!section || section->is_null()) return compare;
  read_section(compare, section, "compare", {"match"}, problems);
  if (!section->is_map()) return compare;
  const auto refuse_unless_known = [&](const char* key, const std::string& value, const char* what,
                                       const std::vector<std::string>& known) {
    const Config* given = section->find(key);
    if (given && given->is_scalar() && std::find(known.begin(), known.end(), value) == known.end())
      problems.add(given->place(),
                   fmt::format("compare.{}: '{}' is no {}.{}", key, value, what, suggestion(value, known)));
  };
  std::vector<std::string> known;
  for (const MetricInfo& m : metrics()) known.push_back(m.name);
  refuse_unless_known("metric", compare.metric, "metric", known);
  if (compare.select == kNothing)
    compare.select.clear();
  else
    refuse_unless_known("select", compare.select, "swept parameter", swept_paths(axes, variants));
  std::vector<std::string> labels;
  for (const VariantEntry& v : variants) labels.push_back(v.label);
  if (!labels.empty()) refuse_unless_known("reference", compare.reference, "variant of this sweep", labels);
  return compare;
}

}  // namespace heed
