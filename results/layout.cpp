#include "results/layout.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "results/names.h"

namespace heed::results {

namespace {

constexpr const char* kCompareMetric = "compare_metric";
constexpr const char* kCompareReference = "compare_reference";
constexpr const char* kCompareReferenceSetting = "compare_reference_setting";
constexpr const char* kCompareBy = "compare_by";
constexpr const char* kCompareOwn = "compare_own";
constexpr const char* kCompareSelect = "compare_select";

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// One parameter over all trials; nothing where a trial does not have it.
struct Column {
  std::string parameter;
  bool varies = false;  // in any trial
  std::vector<std::optional<Value>> cells;
};

// In the order in which the trials first name them, but variant and seed first.
std::vector<Column> parameter_columns(std::span<const Record> records) {
  std::vector<Column> columns;
  std::map<std::string, std::size_t> place;
  const auto add = [&](const std::string& name) {
    if (place.emplace(name, columns.size()).second) columns.push_back({name, false, {}});
  };
  for (const char* first : {"variant", "seed"})
    for (const Record& record : records)
      for (const Parameter& parameter : record.parameters)
        if (parameter.name == first) add(first);
  for (const Record& record : records)
    for (const Parameter& parameter : record.parameters) add(parameter.name);
  for (Column& column : columns) column.cells.resize(records.size());
  for (std::size_t row = 0; row < records.size(); ++row)
    for (const Parameter& parameter : records[row].parameters) {
      columns[place.at(parameter.name)].cells[row] = parameter.value;
      columns[place.at(parameter.name)].varies |= parameter.varies;
    }
  return columns;
}

double as_number(const std::optional<Value>& cell) {
  if (!cell) return kNaN;
  if (const auto* whole = std::get_if<std::int64_t>(&*cell)) return double(*whole);
  if (const auto* flag = std::get_if<bool>(&*cell)) return *flag ? 1 : 0;
  return std::get<double>(*cell);
}

std::string as_text(const std::optional<Value>& cell) {
  if (!cell) return "";
  if (const auto* text = std::get_if<std::string>(&*cell)) return *text;
  return std::visit([](const auto& value) { return fmt::format("{}", value); }, *cell);
}

template <class T, class Cells, class Convert>
std::vector<T> converted(const Cells& cells, const Convert& convert) {
  std::vector<T> values;
  values.reserve(cells.size());
  for (const auto& cell : cells) values.push_back(T(convert(cell)));
  return values;
}

// The narrowest type that holds every cell: bool (stored as int8) and int64 only without gaps, else double;
// text as soon as one cell is text.
void write_cells(H5Writer& file, const std::string& name, const std::vector<std::optional<Value>>& cells) {
  const auto all = [&](auto claim) { return std::all_of(cells.begin(), cells.end(), claim); };
  const auto is_text = [](const auto& cell) { return cell && std::holds_alternative<std::string>(*cell); };
  if (std::any_of(cells.begin(), cells.end(), is_text)) {
    file.strings(name, converted<std::string>(cells, as_text), {"trial"});
  } else if (all([](const auto& cell) { return cell && std::holds_alternative<std::int64_t>(*cell); })) {
    const auto whole = [](const auto& cell) { return std::get<std::int64_t>(*cell); };
    file.variable<std::int64_t>(name, converted<std::int64_t>(cells, whole), {"trial"});
  } else if (all([](const auto& cell) { return cell && std::holds_alternative<bool>(*cell); })) {
    file.variable<std::int8_t>(name, converted<std::int8_t>(cells, as_number), {"trial"});
    file.attribute(name, "dtype", "bool");  // xarray reads it back as bool
  } else {
    file.variable<double>(name, converted<double>(cells, as_number), {"trial"});
  }
}

std::set<std::string> names_taken(std::span<const Record> records) {
  std::set<std::string> taken(kReservedNames.begin(), kReservedNames.end());
  for (const Record& record : records) {
    for (const Metric& metric : record.metrics) taken.insert(metric.name);
    for (const Axis& axis : record.axes) taken.insert(axis.name);
    for (const Curve& curve : record.curves) taken.insert(curve.name);
    for (const Array& array : record.arrays) taken.insert(array.group);
  }
  return taken;
}

void write_parameters(H5Writer& file, std::span<const Record> records) {
  const std::vector<Column> columns = parameter_columns(records);
  std::vector<std::string> full;
  for (const Column& column : columns) full.push_back(column.parameter);
  const std::vector<std::string> names = variable_names(full, names_taken(records));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    write_cells(file, names[i], columns[i].cells);
    file.attribute(names[i], "role", "parameter");
    file.attribute(names[i], "parameter", full[i]);
    write_meaning(file, names[i], "", "", columns[i].varies);
  }
}

void write_bookkeeping(H5Writer& file, std::span<const Record> records) {
  const auto write = [&](const char* name, const char* unit, const char* doc, bool varies, auto read) {
    using T = std::decay_t<decltype(read(Record()))>;
    const auto values = converted<T>(records, read);
    if constexpr (std::is_same_v<T, std::string>)
      file.strings(name, values, {"trial"});
    else
      file.variable<T>(name, values, {"trial"});
    file.attribute(name, "role", "trial");
    write_meaning(file, name, unit, doc, varies);
  };
  write("id", "", "Hash of the resolved configuration", false, [](const Record& r) { return r.id; });
  write("status", "", "done, diverged, failed, killed or stopped", false,
        [](const Record& r) { return to_string(r.status); });
  write("reason", "", "Why the trial is not done", false, [](const Record& r) { return r.reason; });
  write("last_step", "", "The last optimizer step that was completed", false,
        [](const Record& r) { return r.last_step; });
  write("config", "", "The resolved configuration as YAML", false, [](const Record& r) { return r.config; });
  write("build", "", "Build stamp of the program", false, [](const Record& r) { return r.provenance.build; });
  write("host", "", "Machine the trial ran on", true, [](const Record& r) { return r.provenance.host; });
  write("created", "", "When the trial ended, UTC", true,
        [](const Record& r) { return r.provenance.created; });
  write("jobs", "", "Trials that ran side by side; 0: it was continued by another process", true,
        [](const Record& r) { return r.jobs; });
  write("threads", "", "Threads of the trial", true, [](const Record& r) { return r.threads; });
  write("run", "", "Start, UTC, and process id of the heed run that trained it", true,
        [](const Record& r) { return r.run; });
  write("seconds", "s", "Wall time of the trial", true, [](const Record& r) { return r.seconds; });
}

// The elements of one list in all records (metrics, curves), by name in the order first seen. `find(row)` is
// the trial's own element or null.
template <class Item>
struct Merged {
  const Item* first;                  // says what it is
  bool varies = false;                // in any trial
  std::vector<const Item*> in_trial;  // null where the trial has none
};

template <class Item>
std::vector<Merged<Item>> merged(std::span<const Record> records, const std::vector<Item> Record::*list) {
  std::vector<Merged<Item>> all;
  std::map<std::string, std::size_t> place;
  for (std::size_t row = 0; row < records.size(); ++row) {
    for (const Item& item : records[row].*list) {
      const auto [found, added] = place.emplace(item.name, all.size());
      if (added) all.push_back({&item, false, std::vector<const Item*>(records.size(), nullptr)});
      all[found->second].in_trial[row] = &item;
      all[found->second].varies |= item.varies;
    }
  }
  return all;
}

void write_metrics(H5Writer& file, std::span<const Record> records) {
  for (const auto& metric : merged(records, &Record::metrics)) {
    const std::string& name = metric.first->name;
    const auto value = [](const Metric* own) { return own == nullptr ? kNaN : own->value; };
    file.variable<double>(name, converted<double>(metric.in_trial, value), {"trial"});
    file.attribute(name, "role", "metric");
    write_meaning(file, name, metric.first->unit, metric.first->doc, metric.varies);
    file.attribute(name, "coordinates", kCoordinates);
  }
}

using Axes = std::map<std::string, std::vector<std::int64_t>>;

Axes write_axes(H5Writer& file, std::span<const Record> records) {
  std::map<std::string, std::set<std::int64_t>> united;
  for (const Record& record : records)
    for (const Axis& axis : record.axes) united[axis.name].insert(axis.at.begin(), axis.at.end());
  Axes axes;
  for (const auto& [name, values] : united) {
    const auto& at = axes[name] = {values.begin(), values.end()};
    file.coordinate(name, at);
    file.attribute(name, "role", "axis");
  }
  return axes;
}

// The curve's values at the places of the united axis, NaN where the trial has none.
std::vector<double> placed(const Curve& curve, const Record& record,
                           const std::vector<std::int64_t>& united) {
  const auto axis = std::find_if(record.axes.begin(), record.axes.end(),
                                 [&](const Axis& candidate) { return candidate.name == curve.axis; });
  std::vector<double> row(united.size(), kNaN);
  std::size_t place = 0;
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    while (united[place] < axis->at[i]) ++place;  // both ascend, and the union has every value
    row[place] = curve.values[i];
  }
  return row;
}

void write_curves(H5Writer& file, std::span<const Record> records, const Axes& axes) {
  for (const auto& curve : merged(records, &Record::curves)) {
    const std::string &name = curve.first->name, &axis = curve.first->axis;
    file.begin_rows<double>(name, {"trial", axis});
    for (std::size_t row = 0; row < records.size(); ++row) {
      const Curve* own = curve.in_trial[row];
      if (own != nullptr && own->axis != axis)
        throw std::invalid_argument(
            fmt::format("curve '{}' runs along '{}' and along '{}'", name, axis, own->axis));
      const std::vector<double> missing(axes.at(axis).size(), kNaN);
      file.row<double>(name, row, own == nullptr ? missing : placed(*own, records[row], axes.at(axis)));
    }
    file.attribute(name, "role", "curve");
    write_meaning(file, name, curve.first->unit, curve.first->doc, curve.varies);
    file.attribute(name, "coordinates", kCoordinates);
  }
}

}  // namespace

void write_header(H5Writer& file, const std::string& format, const Provenance& provenance) {
  file.attribute("/", "format", format);
  file.attribute("/", "schema_version", kSchema);
  file.attribute("/", "heed_version", provenance.heed_version);
  file.attribute("/", "build", provenance.build);
  file.attribute("/", "host", provenance.host);
  file.attribute("/", "command", provenance.command);
  file.attribute("/", "created", provenance.created);
  file.attribute("/", "varies_between_runs", fmt::format("{}", fmt::join(kVaryingAttributes, " ")));
}

void write_compare_settings(H5Writer& file, const CompareSettings& settings) {
  for (const auto& [name, value] : {std::pair(kCompareMetric, &settings.metric),
                                    {kCompareReference, &settings.reference},
                                    {kCompareSelect, &settings.select},
                                    {kCompareReferenceSetting, &settings.reference_setting},
                                    {kCompareBy, &settings.by},
                                    {kCompareOwn, &settings.own}})
    if (!value->empty()) file.attribute("/", name, *value);
}

CompareSettings read_compare_settings(const H5Reader& file) {
  return {.metric = file.text_or_empty("/", kCompareMetric),
          .reference = file.text_or_empty("/", kCompareReference),
          .select = file.text_or_empty("/", kCompareSelect),
          .reference_setting = file.text_or_empty("/", kCompareReferenceSetting),
          .by = file.text_or_empty("/", kCompareBy),
          .own = file.text_or_empty("/", kCompareOwn)};
}

void write_meaning(H5Writer& file, const std::string& name, const std::string& unit, const std::string& doc,
                   bool varies) {
  if (!unit.empty()) file.attribute(name, "units", unit);
  if (!doc.empty()) file.attribute(name, "description", doc);
  if (varies) file.attribute(name, "varies_between_runs", std::int64_t{1});
}

void write_rows(H5Writer& file, std::span<const Record> records) {
  file.coordinate("trial", converted<std::int64_t>(records, [](const Record& r) { return r.plan_index; }));
  const Axes axes = write_axes(file, records);
  write_parameters(file, records);
  write_metrics(file, records);
  write_curves(file, records, axes);
  write_bookkeeping(file, records);
}

Provenance read_header(const H5Reader& file, const std::string& format) {
  const std::string found = file.text("/", "format");
  if (found != format)
    throw DamagedFile(file.path(), fmt::format("is a '{}' file, not '{}'.", found, format));
  const std::int64_t schema = file.integer("/", "schema_version");
  if (schema != kSchema)
    throw DamagedFile(file.path(),
                      fmt::format("has schema {}; this program reads schema {}.", schema, kSchema));
  return {.heed_version = file.text("/", "heed_version"),
          .build = file.text("/", "build"),
          .host = file.text("/", "host"),
          .command = file.text("/", "command"),
          .created = file.text("/", "created")};
}

}  // namespace heed::results
