#include "results/shard_sum.h"

#include <variant>

#include <fmt/format.h>

#include "results/content_sum.h"
#include "results/utf8.h"

namespace heed::results {

namespace {

void add_text(ContentSum& sum, const std::string& name, const std::string& text) {
  sum.add(name, valid_utf8(text));  // as it is stored
}

template <class T>
void add_all(ContentSum& sum, const std::string& name, const std::vector<T>& values) {
  sum.add(name, std::as_bytes(std::span(values)));
}

void add_value(ContentSum& sum, const std::string& name, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return add_text(sum, name + " text", *text);
  if (const auto* flag = std::get_if<bool>(&value)) return sum.add(name + " bool", *flag);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return sum.add(name + " int", *whole);
  sum.add(name + " float", std::get<double>(value));
}

// What a metric and a curve have in common.
template <class Item>
void add_meaning(ContentSum& sum, const std::string& name, const Item& item) {
  add_text(sum, name + " unit", item.unit);
  add_text(sum, name + " doc", item.doc);
  sum.add(name + " varies", item.varies);
}

void add_array(ContentSum& sum, const Array& array) {
  const std::string name = fmt::format("array {}/{}", array.group, array.name);
  sum.add(name, fmt::format("{} of {} along {}", array.values.index(), fmt::join(array.shape, " "),
                            fmt::join(dims_of(array), " ")));
  add_text(sum, name + " unit", array.unit);
  add_text(sum, name + " doc", array.doc);
}

void add_provenance(ContentSum& sum, const Provenance& p) {
  add_text(sum, "version", p.heed_version);
  add_text(sum, "build", p.build);
  add_text(sum, "host", p.host);
  add_text(sum, "command", p.command);
  add_text(sum, "created", p.created);
}

}  // namespace

Dims dims_of(const Array& array) {
  Dims dims = array.dims;
  for (std::size_t axis = dims.size(); axis < array.shape.size(); ++axis)
    dims.push_back(fmt::format("axis{}_{}", axis, array.shape[axis]));
  return dims;
}

std::string checksum_of(const Record& record) {
  ContentSum sum;
  add_text(sum, "id", record.id);
  sum.add("plan", record.plan_index);
  add_text(sum, "status", to_string(record.status));
  add_text(sum, "reason", record.reason);
  sum.add("last step", record.last_step);
  sum.add("seconds", record.seconds);
  // Files of before they were recorded have a checksum without them.
  if (record.jobs >= 0) sum.add("jobs", record.jobs);
  if (record.threads >= 0) sum.add("threads", record.threads);
  add_text(sum, "config", record.config);
  add_provenance(sum, record.provenance);
  for (const Parameter& p : record.parameters) add_value(sum, "parameter " + p.name, p.value);
  for (const Metric& m : record.metrics) {
    sum.add("metric " + m.name, m.value);
    add_meaning(sum, "metric " + m.name, m);
  }
  for (const Axis& axis : record.axes) add_all(sum, "axis " + axis.name, axis.at);
  for (const Curve& c : record.curves) {
    add_all(sum, fmt::format("curve {} along {}", c.name, c.axis), c.values);
    add_meaning(sum, "curve " + c.name, c);
  }
  for (const Array& array : record.arrays) add_array(sum, array);
  return sum.hex();
}

std::string checksum_of(std::span<const Array> arrays, const std::string& group) {
  ContentSum sum;
  for (const Array& array : arrays) {
    if (array.group != group) continue;
    add_array(sum, array);
    std::visit([&](const auto& values) { add_all(sum, array.name, values); }, array.values);
  }
  return sum.hex();
}

}  // namespace heed::results
