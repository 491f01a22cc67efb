#include "results/table.h"

#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "results/layout.h"
#include "results/names.h"

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
  // HDF5 has no boolean type that every reader knows, so booleans are stored as int8 with this attribute.
  if (file.text_or_empty(name, "dtype") == "bool") return as_values<bool>(file.read<std::int8_t>(name));
  return as_values<std::int64_t>(file.read<std::int64_t>(name));
}

}  // namespace

const Column* Results::find(const std::string& name) const {
  for (const Column& column : columns)
    if (column.name == name) return &column;
  // A name in the file wins, because a short name may equal another parameter's path.
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

void shorten_names(std::vector<Column>& columns) {
  std::set<std::string> taken(kReservedNames.begin(), kReservedNames.end());
  std::vector<std::string> parameters;
  for (const Column& c : columns)
    if (c.role == Role::parameter)
      parameters.push_back(c.parameter);
    else
      taken.insert(c.name);
  const std::vector<std::string> names = short_names(parameters, taken);
  std::size_t next = 0;
  for (Column& c : columns)
    if (c.role == Role::parameter) c.name = names[next++];
}

Results read_results(const std::filesystem::path& path) {
  const H5Reader file(path);
  std::vector<Column> columns = read_columns(file);
  shorten_names(columns);
  return {.provenance = read_header(file, kResultsFormat),
          .compare = read_compare_settings(file),
          .trial = file.read<std::int64_t>("trial"),
          .columns = std::move(columns)};
}

std::optional<Curves> read_curves(const std::filesystem::path& path, const std::string& name) {
  const H5Reader file(path);
  read_header(file, kResultsFormat);
  if (!file.has(name) || file.text_or_empty(name, "role") != "curve") return std::nullopt;
  const std::vector<std::string> dims = file.dims(name);
  if (dims.size() != 2) throw DamagedFile(path, fmt::format("'{}' is no curve of trials.", name));
  return Curves{.at = file.read<std::int64_t>(dims[1]), .values = file.read<double>(name)};
}

}  // namespace heed::results
