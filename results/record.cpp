#include "results/record.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "results/names.h"

namespace heed::results {

namespace {

constexpr std::array<const char*, 5> kStatusNames = {"done", "diverged", "failed", "killed", "stopped"};

void require(bool good, const std::string& name, const char* rule) {
  if (!good) throw std::invalid_argument(fmt::format("result '{}': {}", name, rule));
}

// xarray turns a variable with one of these units into time spans, also when it is a mean of milliseconds.
bool reads_as_time_span(const std::string& unit) {
  static constexpr std::array<const char*, 7> kWords = {
      "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"};
  return std::find(kWords.begin(), kWords.end(), unit) != kWords.end();
}

void check_array(const Array& array) {
  const std::string name = array.group + "/" + array.name;
  require(is_python_name(array.group) && is_variable_name(array.name), name, "this name cannot be stored");
  const std::size_t size =
      std::accumulate(array.shape.begin(), array.shape.end(), std::size_t{1}, std::multiplies<>());
  require(size == std::visit([](const auto& values) { return values.size(); }, array.values), name,
          "its shape does not fit the number of its values");
  require(array.dims.empty() || array.dims.size() == array.shape.size(), name,
          "it needs one dimension per axis");
  const std::set<std::string> different(array.dims.begin(), array.dims.end());
  require(different.size() == array.dims.size(), name,
          "a dimension occurs twice (xarray takes no such array)");
  for (const std::string& dim : array.dims)
    require(is_python_name(dim), name, "a dimension's name cannot be stored");
}

// Within a group a dimension has one length, and no variable is named as a dimension.
void check_groups(const Record& record) {
  std::map<std::string, std::size_t> lengths;
  std::set<std::string> names;
  for (const Array& array : record.arrays) {
    check_array(array);
    const std::string name = array.group + "/" + array.name;
    require(names.insert(name).second, name, "there are two of it");
    for (std::size_t axis = 0; axis < array.dims.size(); ++axis) {
      const auto [place, added] = lengths.emplace(array.group + "/" + array.dims[axis], array.shape[axis]);
      require(added || place->second == array.shape[axis], place->first, "this dimension has two lengths");
    }
  }
  for (const std::string& name : names) require(!lengths.contains(name), name, "it is named as a dimension");
  for (const char* group : {"attention", "probes"}) {  // these get a dimension `trial` in the merged file
    const std::string trial = std::string(group) + "/trial";
    require(!lengths.contains(trial) && !names.contains(trial), trial,
            "this name belongs to the merged file");
  }
}

}  // namespace

std::string to_string(Status status) { return kStatusNames.at(static_cast<std::size_t>(status)); }

Status status_from(const std::string& text) {
  const auto found = std::find(kStatusNames.begin(), kStatusNames.end(), text);
  if (found == kStatusNames.end()) throw std::invalid_argument("there is no status '" + text + "'");
  return static_cast<Status>(found - kStatusNames.begin());
}

bool is_id(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

void check(const Record& record) {
  require(is_id(record.id), record.id, "an id has 16 lower-case hexadecimal digits");
  std::set<std::string> parameters, names(kReservedNames.begin(), kReservedNames.end());
  for (const Parameter& parameter : record.parameters) {
    require(is_variable_name(parameter.name) && parameter.name.back() != '.', parameter.name,
            "this name cannot be stored");
    require(parameters.insert(parameter.name).second, parameter.name,
            "there are two parameters of this name");
  }
  // Metrics, curves and axes share one namespace: each becomes a variable of the root.
  const auto add = [&](const std::string& name, const std::string& unit) {
    require(is_python_name(name) && !name.starts_with("parameter_"), name,
            "a metric, curve or axis is named as a Python variable, and not parameter_...");
    require(names.insert(name).second, name, "the name is taken");
    require(!reads_as_time_span(unit), name,
            "write units of time short (s, ms): xarray turns long ones into time spans");
  };
  // A group and a variable of the root must not have one name either.
  for (const Array& array : record.arrays) names.insert(array.group);
  for (const Metric& metric : record.metrics) add(metric.name, metric.unit);
  std::map<std::string, std::size_t> axes;
  for (const Axis& axis : record.axes) {
    add(axis.name, "");
    require(std::is_sorted(axis.at.begin(), axis.at.end(), std::less_equal<>()), axis.name,
            "its values must ascend");
    axes.emplace(axis.name, axis.at.size());
  }
  for (const Curve& curve : record.curves) {
    add(curve.name, curve.unit);
    const auto axis = axes.find(curve.axis);
    require(axis != axes.end() && axis->second == curve.values.size(), curve.name,
            "it does not fit its axis");
  }
  check_groups(record);
}

}  // namespace heed::results
