#include "results/trial_file.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/layout.h"
#include "results/names.h"
#include "results/table.h"

namespace heed::results {

namespace {

// Returns the names of an array's dimensions; unnamed ones get a name.
Dims dims_of(const Array& array) {
  Dims dims = array.dims;
  for (std::size_t axis = dims.size(); axis < array.shape.size(); ++axis)
    dims.push_back(fmt::format("axis{}_{}", axis, array.shape[axis]));
  return dims;
}

void write_array(H5Writer& file, const Array& array, std::set<std::string>& made) {
  const Dims dims = dims_of(array);
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const std::string dimension = array.group + "/" + dims[axis];
    if (made.insert(dimension).second) file.dimension(dimension, array.shape[axis]);
  }
  const std::string name = array.group + "/" + array.name;
  const auto write = [&]<class T>(const std::vector<T>& values) { file.variable<T>(name, values, dims); };
  std::visit(write, array.values);
  write_meaning(file, name, array.unit, array.doc, false);
}

std::vector<std::byte> build(const Record& record, const std::filesystem::path& path) {
  H5Writer file(path);
  write_header(file, kTrialFormat, record.provenance);
  write_rows(file, {&record, 1});
  std::set<std::string> made;  // groups and dimensions
  for (const Array& array : record.arrays) {
    if (made.insert(array.group).second) file.group(array.group);
    write_array(file, array, made);
  }
  return file.finish();
}

std::vector<std::byte> bytes_of(const Record& record, const std::filesystem::path& path) {
  check(record);
  std::vector<std::byte> bytes = built_twice(path, [&] { return build(record, path); });
  add_checksum(bytes, record.id + " " + to_string(record.status));
  return bytes;
}

enum class Values { read, leave };

// Left unread, the values still say their type.
Numbers read_numbers(const H5Reader& file, const std::string& name, Values values) {
  const auto as = [&]<class T>(T) { return values == Values::read ? file.read<T>(name) : std::vector<T>{}; };
  if (file.kind(name) == H5Reader::Kind::integer) return as(std::int64_t{});
  if (file.bytes_each(name) == sizeof(float)) return as(float{});
  return as(double{});
}

std::vector<Array> read_group(const H5Reader& file, const std::string& group, Values values) {
  std::vector<Array> arrays;
  for (const std::string& name : file.variables(group)) {
    const std::string full = fmt::format("{}/{}", group, name);
    if (file.is_dimension(full)) continue;
    arrays.push_back({.group = group,
                      .name = name,
                      .shape = file.shape(full),
                      .dims = file.dims(full),
                      .values = read_numbers(file, full, values),
                      .unit = file.text_or_empty(full, "units"),
                      .doc = file.text_or_empty(full, "description")});
  }
  return arrays;
}

void read_axes_and_curves(const H5Reader& file, Record& record) {
  for (const std::string& name : file.variables("/")) {
    const std::string role = file.text_or_empty(name, "role");
    if (role == "axis") record.axes.push_back({name, file.read<std::int64_t>(name)});
    if (role == "curve")
      record.curves.push_back({.name = name,
                               .axis = file.dims(name).at(1),
                               .values = file.read<double>(name),
                               .unit = file.text_or_empty(name, "units"),
                               .doc = file.text_or_empty(name, "description"),
                               .varies = file.has_attribute(name, "varies_between_runs")});
  }
}

Record read_summary(const H5Reader& file) {
  Record record;
  record.provenance = read_header(file, kTrialFormat);
  record.plan_index = file.read<std::int64_t>("trial").at(0);
  for (const Column& column : read_columns(file)) {
    if (column.role == Role::parameter)
      record.parameters.push_back({column.parameter, column.values.at(0), column.varies});
    if (column.role == Role::metric)
      record.metrics.push_back(
          {column.name, std::get<double>(column.values.at(0)), column.unit, column.doc, column.varies});
  }
  record.id = file.strings("id").at(0);
  record.status = status_from(file.strings("status").at(0));
  record.reason = file.strings("reason").at(0);
  record.last_step = file.read<std::int64_t>("last_step").at(0);
  record.seconds = file.read<double>("seconds").at(0);
  if (file.has("jobs")) record.jobs = file.read<std::int64_t>("jobs").at(0);
  if (file.has("threads")) record.threads = file.read<std::int64_t>("threads").at(0);
  if (file.has("run")) record.run = file.strings("run").at(0);
  record.config = file.strings("config").at(0);
  read_axes_and_curves(file, record);
  return record;
}

// A file that was copied over another one must not become that trial's result.
void check_name(const std::filesystem::path& path, const std::string& id) {
  const std::string stem = path.stem().string();
  if (!is_id(id) || (is_id(stem) && stem != id))
    throw DamagedFile(path, fmt::format("holds trial '{}', not the one it is named after.", id));
}

Record read(const std::filesystem::path& path, Values values) {
  const H5Reader file(path);
  try {
    Record record = read_summary(file);
    check_name(path, record.id);
    check(record);  // what heed has written passes; the arrays' shapes are HDF5's own
    for (const std::string& group : file.groups("/"))
      for (Array& array : read_group(file, group, values)) record.arrays.push_back(std::move(array));
    return record;
  } catch (const std::logic_error& error) {  // a variable of another length or an unknown status
    throw DamagedFile(path, fmt::format("is not as heed writes it: {}.", error.what()));
  } catch (const std::bad_variant_access&) {
    throw DamagedFile(path, "is not as heed writes it: a variable has another type.");
  }
}

}  // namespace

bool write_trial(const Record& record, const std::filesystem::path& path) {
  return write_file(path, bytes_of(record, path), IfExists::keep);
}

void replace_trial(const Record& record, const std::filesystem::path& path) {
  write_file(path, bytes_of(record, path), IfExists::replace);
}

Record read_trial(const std::filesystem::path& path) { return read(path, Values::read); }
Record read_trial_summary(const std::filesystem::path& path) { return read(path, Values::leave); }

std::vector<Array> read_trial_arrays(const std::filesystem::path& path, const std::string& group) {
  const H5Reader file(path);
  return file.has(group) ? read_group(file, group, Values::read) : std::vector<Array>{};
}

Outcome read_outcome(const std::filesystem::path& path) {
  const std::string label = read_label(path);
  const std::string id = label.substr(0, label.find(' '));
  check_name(path, id);
  try {
    return {id, status_from(label.substr(std::min(id.size() + 1, label.size())))};
  } catch (const std::invalid_argument& error) {
    throw DamagedFile(path, fmt::format("{}.", error.what()));
  }
}

}  // namespace heed::results
