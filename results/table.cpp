#include "results/table.h"

#include <cstring>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "results/layout.h"

namespace heed::results {

namespace {

template <class T, class Stored>
std::vector<Value> as_values(const std::vector<Stored>& stored) {
  std::vector<Value> values;
  values.reserve(stored.size());
  for (const Stored& value : stored) values.emplace_back(T(value));
  return values;
}

std::vector<Value> read_values(const H5Reader& file, const std::string& name) {
  switch (file.kind(name)) {
    case H5Reader::Kind::text:
      return as_values<std::string>(file.strings(name));
    case H5Reader::Kind::number:
      return as_values<double>(file.read<double>(name));
    case H5Reader::Kind::integer:
      break;
  }
  if (file.text_or_empty(name, "dtype") == "bool") return as_values<bool>(file.read<std::int8_t>(name));
  return as_values<std::int64_t>(file.read<std::int64_t>(name));
}

bool same_numbers(const H5Reader& a, const H5Reader& b, const std::string& name) {
  const auto same = [&]<class T>(T) {
    const std::vector<T> left = a.read<T>(name), right = b.read<T>(name);
    return left.size() == right.size() &&
           (left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(T)) == 0);
  };
  if (a.bytes_each(name) != b.bytes_each(name)) return false;
  if (a.kind(name) == H5Reader::Kind::integer) return same(std::int64_t{});
  return a.bytes_each(name) == sizeof(float) ? same(float{}) : same(double{});
}

bool same_attribute(const H5Reader& a, const H5Reader& b, const std::string& object,
                    const std::string& name) {
  return a.find_attribute(object, name) == b.find_attribute(object, name);
}

bool same_variable(const H5Reader& a, const H5Reader& b, const std::string& name) {
  const char* varies = "varies_between_runs";
  if (a.has_attribute(name, varies) && b.has_attribute(name, varies)) return true;
  if (a.kind(name) != b.kind(name) || a.shape(name) != b.shape(name) || a.dims(name) != b.dims(name))
    return false;
  if (!same_attribute(a, b, name, "units") || !same_attribute(a, b, name, "parameter")) return false;
  if (a.kind(name) == H5Reader::Kind::text) return a.strings(name) == b.strings(name);
  // A dimension without values has nothing but its length.
  if (a.is_dimension(name) && a.kind(name) == H5Reader::Kind::number) return true;
  return same_numbers(a, b, name);
}

std::set<std::string> all_variables(const H5Reader& file) {
  const auto listed = file.variables("/");
  std::set<std::string> names(listed.begin(), listed.end());
  for (const std::string& group : file.groups("/"))
    for (const std::string& name : file.variables(group)) names.insert(fmt::format("{}/{}", group, name));
  return names;
}

std::set<std::string> steady_attributes(const H5Reader& file) {
  const auto listed = file.attribute_names("/");
  std::set<std::string> names(listed.begin(), listed.end());
  for (const char* name : kVaryingAttributes) names.erase(name);
  return names;
}

}  // namespace

const Column* Results::find(const std::string& name) const {
  for (const Column& column : columns)
    if (column.name == name) return &column;
  for (const Column& column : columns)
    if (!column.parameter.empty() && column.parameter == name) return &column;
  return nullptr;
}

std::vector<std::string> Results::texts(const std::string& name) const {
  const Column* column = find(name);
  if (column == nullptr) throw std::out_of_range("the results have no variable '" + name + "'");
  std::vector<std::string> texts;
  for (const Value& value : column->values) {
    if (!std::holds_alternative<std::string>(value)) throw std::out_of_range("'" + name + "' holds no texts");
    texts.push_back(std::get<std::string>(value));
  }
  return texts;
}

std::vector<double> Results::numbers(const std::string& name) const {
  const Column* column = find(name);
  if (column == nullptr) throw std::out_of_range("the results have no variable '" + name + "'");
  std::vector<double> numbers;
  for (const Value& value : column->values) {
    if (const auto* number = std::get_if<double>(&value)) {
      numbers.push_back(*number);
    } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      numbers.push_back(double(*whole));
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      numbers.push_back(*flag ? 1 : 0);
    } else {
      throw std::out_of_range("'" + name + "' holds texts, not numbers");
    }
  }
  return numbers;
}

std::vector<Column> read_columns(const H5Reader& file) {
  std::vector<Column> columns;
  for (const std::string& name : file.variables("/")) {
    const std::string role = file.text_or_empty(name, "role");
    if (role != "parameter" && role != "metric" && role != "trial") continue;
    columns.push_back({.name = name,
                       .parameter = file.text_or_empty(name, "parameter"),
                       .role = role == "parameter" ? Role::parameter
                               : role == "metric"  ? Role::metric
                                                   : Role::trial,
                       .values = read_values(file, name),
                       .unit = file.text_or_empty(name, "units"),
                       .doc = file.text_or_empty(name, "description"),
                       .varies = file.has_attribute(name, "varies_between_runs")});
  }
  return columns;
}

Results read_results(const std::filesystem::path& path) {
  const H5Reader file(path);
  return {.provenance = read_header(file, kResultsFormat),
          .trial = file.read<std::int64_t>("trial"),
          .columns = read_columns(file)};
}

std::vector<std::string> compare_results(const std::filesystem::path& path_a,
                                         const std::filesystem::path& path_b) {
  const H5Reader a(path_a), b(path_b);
  const std::set<std::string> in_a = all_variables(a), in_b = all_variables(b);
  std::vector<std::string> different;
  for (const std::string& name : in_a)
    if (!in_b.contains(name) || !same_variable(a, b, name)) different.push_back(name);
  for (const std::string& name : in_b)
    if (!in_a.contains(name)) different.push_back(name);
  std::set<std::string> attributes = steady_attributes(a);
  attributes.merge(steady_attributes(b));
  for (const std::string& name : attributes)
    if (!same_attribute(a, b, "/", name)) different.push_back("/" + name);
  return different;
}

}  // namespace heed::results
