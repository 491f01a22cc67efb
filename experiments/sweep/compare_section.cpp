#include "experiments/sweep/compare_section.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/overridden.h"
#include "experiments/sweep/sections.h"
#include "experiments/trial/measurement_condition.h"
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

// Returns a value as tables show it.
std::string shown(const Config& value) {
  bool boolean;
  double number;
  const bool is_text = value.is_scalar() && (value.quoted() || (!value.read(boolean) && !value.read(number)));
  return is_text ? value.text() : value.canonical();
}

bool is_slot(const std::string& path) {
  return path == compared_path(path + ".x") || path == "train.optimizer" || path == "train.schedule";
}

// Adds a setting with the paths of a resolved configuration. A slot, `model.positions: {rope: {base: 500}}`,
// has a name and options there; those of an optimizer are in `train`.
void add_values(const std::string& path, const Config& value, CompareOptions& compare) {
  auto& values = compare.reference_values;
  const std::string slot = compared_path(path);
  const bool of_train = path.starts_with("train.");
  if (is_slot(path)) {
    const bool with_options = value.is_map() && value.entries().size() == 1;
    values.emplace_back(of_train ? path : path + ".name",
                        with_options ? value.entries()[0].key : shown(value));
    if (!with_options) return;
    for (const Config::Entry& e : value.entries()[0].value.entries())
      values.emplace_back(fmt::format("{}.{}", of_train ? "train" : path, e.key), shown(e.value));
  } else if (slot != path) {  // model.feed_forward.mlp.width
    const std::size_t dot = path.find('.', slot.size() + 1);
    values.emplace_back(slot + ".name", path.substr(slot.size() + 1, dot - slot.size() - 1));
    if (dot != std::string::npos) values.emplace_back(slot + path.substr(dot), shown(value));
  } else {
    values.emplace_back(path, shown(value));
  }
}

// Refuses keys of a reference that are no parameters, and the one that is selected.
void check_reference_keys(const Config& reference, const CompareOptions& compare,
                          const std::vector<OptionInfo>& known, Problems& problems) {
  for (const Config::Entry& e : reference.entries()) {
    if (e.key == "variant") continue;
    if (const std::string why = refuse_path(e.key, known); !why.empty())
      problems.add(e.key_place, fmt::format("compare.reference.{}: {}", e.key, why));
    else if (compared_path(e.key) == compare.select)
      problems.add(e.key_place, fmt::format("compare.reference.{0}: compare.select chooses {0}, also for the "
                                            "reference. Remove one of them.",
                                            e.key));
  }
}

}  // namespace

void read_reference(const Config& given, const std::string& path, CompareOptions& compare,
                    Problems& problems) {
  const Config* variant = given.find("variant");
  compare.reference_values.clear();
  if (!variant || !variant->is_scalar())
    return problems.add(variant ? variant->place() : given.place(),
                        fmt::format("{}.variant: expected the name of a variant, as {{variant: softmax, "
                                    "model.positions: rope}}.",
                                    path));
  compare.reference = variant->text();
  for (const Config::Entry& e : given.entries())
    if (e.key != "variant") add_values(e.key, e.value, compare);
}

CompareOptions read_compare_options(const Config* section, Problems& problems) {
  CompareOptions compare;
  Config own = section ? *section : Config();
  const Config* reference = own.find("reference");
  if (reference && reference->is_map()) {
    read_reference(*reference, "compare.reference", compare, problems);
    own.erase("reference");
  }
  read_section(compare, &own, "compare", {"match"}, problems);
  return compare;
}

std::string reference_text(const CompareOptions& compare) {
  std::vector<std::string> values;
  for (const auto& [path, value] : compare.reference_values)
    values.push_back(fmt::format("{}={}", path, value));
  return values.empty() ? compare.reference
                        : fmt::format("{} with {}", compare.reference, fmt::join(values, " "));
}

CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            const std::vector<OptionInfo>& options, Problems& problems) {
  const Config* section = tree.find("compare");
  if (!section || section->is_null()) return {};
  CompareOptions compare = read_compare_options(section, problems);
  if (!section->is_map()) return compare;
  const auto refuse_unless_known = [&](const char* key, const std::string& value, const char* what,
                                       const std::vector<std::string>& known) {
    const Config* given = section->find(key);
    if (given && given->find("variant")) given = given->find("variant");
    if (given && given->is_scalar() && std::find(known.begin(), known.end(), value) == known.end())
      problems.add(given->place(),
                   fmt::format("compare.{}: '{}' is no {}.{}", key, value, what, suggestion(value, known)));
  };
  std::vector<std::string> known;
  for (const MetricInfo& m : metrics()) known.push_back(m.name);
  refuse_unless_known("metric", compare.metric, "metric", known);
  if (compare.select == kNothing)
    compare.select.clear();
  else if (is_measurement_condition(compared_path(compare.select)))
    problems.add(
        section->find("select")->place(),
        fmt::format("compare.select: trials of different values of '{}' are not measured alike, so none "
                    "can be chosen. Choose a parameter of the model or of training, such as train.lr.",
                    compare.select));
  else
    refuse_unless_known("select", compare.select, "swept parameter", swept_paths(axes, variants));
  std::vector<std::string> labels;
  for (const VariantEntry& v : variants) labels.push_back(v.label);
  if (const Config* reference = section->find("reference"); reference && reference->is_map())
    check_reference_keys(*reference, compare, options, problems);
  if (!labels.empty()) refuse_unless_known("reference", compare.reference, "variant of this sweep", labels);
  return compare;
}

}  // namespace heed
