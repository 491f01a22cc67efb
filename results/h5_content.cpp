#include "results/h5_content.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <variant>

#include <fmt/format.h>

namespace heed::results {

namespace {

constexpr std::size_t kBlockBytes = 1024 * 1024;  // read at a time

template <class T>
void add_numbers(ContentSum& sum, const H5Reader& file, const std::string& name) {
  const std::vector<std::size_t> shape = file.shape(name);
  if (shape.empty()) return add_rows<T>(sum, name, 0, 1, file.read<T>(name));
  const std::size_t each = std::accumulate(shape.begin() + 1, shape.end(), sizeof(T), std::multiplies<>());
  const std::size_t block = std::max<std::size_t>(1, kBlockBytes / std::max<std::size_t>(1, each));
  for (std::size_t row = 0; row < shape[0]; row += block) {
    const std::size_t rows = std::min(block, shape[0] - row);
    add_rows<T>(sum, name, row, rows, file.read_rows<T>(name, row, rows));
  }
}

void add_values(ContentSum& sum, const H5Reader& file, const std::string& name) {
  const std::size_t bytes = file.bytes_each(name);
  switch (file.kind(name)) {
    case H5Reader::Kind::text:
      return add_texts(sum, name, file.strings(name));
    case H5Reader::Kind::number:
      return bytes == sizeof(float) ? add_numbers<float>(sum, file, name)
                                    : add_numbers<double>(sum, file, name);
    case H5Reader::Kind::integer:
      break;
  }
  if (bytes == sizeof(std::int8_t)) return add_numbers<std::int8_t>(sum, file, name);
  if (bytes == sizeof(std::int32_t)) return add_numbers<std::int32_t>(sum, file, name);
  add_numbers<std::int64_t>(sum, file, name);
}

void add_attributes(ContentSum& sum, const H5Reader& file, const std::string& object) {
  for (const std::string& name : file.attribute_names(object))
    if (const auto value = file.find_attribute(object, name)) add_attribute(sum, object, name, *value);
}

void add_variable_of(ContentSum& sum, const H5Reader& file, const std::string& name) {
  const H5Reader::Kind kind = file.kind(name);
  add_variable(sum, name, kind, kind == H5Reader::Kind::text ? 0 : file.bytes_each(name), file.shape(name));
  const bool scale = file.is_dimension(name);
  if (scale)
    add_scale(sum, name);
  else
    add_dims(sum, name, file.dims(name));
  // A dimension without values is a number by type, but has only a length.
  if (!scale || kind == H5Reader::Kind::integer) add_values(sum, file, name);
  add_attributes(sum, file, name);
}

}  // namespace

void add_group(ContentSum& sum, const std::string& name) { sum.add(name, "group"); }

void add_variable(ContentSum& sum, const std::string& name, H5Reader::Kind kind, std::size_t bytes_each,
                  std::span<const std::size_t> shape) {
  sum.add(name, fmt::format("variable {} {} {}", static_cast<int>(kind), bytes_each, fmt::join(shape, " ")));
}

void add_dims(ContentSum& sum, const std::string& name, std::span<const std::string> dims) {
  sum.add(name, fmt::format("along {}", fmt::join(dims, " ")));
}

void add_scale(ContentSum& sum, const std::string& name) { sum.add(name, "dimension"); }

void add_texts(ContentSum& sum, const std::string& name, std::span<const std::string> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) sum.add(name, texts[i], i);
}

void add_attribute(ContentSum& sum, const std::string& object, const std::string& name,
                   const H5Reader::Attribute& value) {
  const std::string full = fmt::format("{} @{}", object, name);
  std::visit([&](const auto& held) { sum.add(full, held); }, value);
}

ContentSum content_of(const H5Reader& file) {
  ContentSum sum;
  add_attributes(sum, file, "/");
  for (const std::string& name : file.variables("/")) add_variable_of(sum, file, name);
  for (const std::string& group : file.groups("/")) {
    add_group(sum, group);
    add_attributes(sum, file, group);
    for (const std::string& name : file.variables(group))
      add_variable_of(sum, file, fmt::format("{}/{}", group, name));
  }
  return sum;
}

}  // namespace heed::results
