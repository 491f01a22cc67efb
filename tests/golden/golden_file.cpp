#include "tests/golden/golden_file.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>

#include "core/error.h"
#include "results/h5_reader.h"

namespace heed::golden {
namespace {

using results::H5Reader;

constexpr const char* kFormat = "heed-golden";
constexpr std::int64_t kFormatVersion = 1;

template <class Map>
const typename Map::mapped_type& get(const Map& map, const std::string& key, const char* what) {
  const auto found = map.find(key);
  if (found == map.end()) throw Error(fmt::format("{} '{}' is missing", what, key));
  return found->second;
}

Tensors read_group(const H5Reader& file, const std::string& group) {
  Tensors out;
  if (!file.has(group)) return out;
  for (const std::string& name : file.variables(group)) {
    const std::string path = fmt::format("{}/{}", group, name);
    Tensor& t = out[name];
    for (const std::size_t n : file.shape(path)) t.shape.push_back(static_cast<Index>(n));
    t.values = file.read<double>(path);
  }
  return out;
}

Case read_case(const H5Reader& file, const std::string& name) {
  const std::string group = '/' + name;
  Case out;
  out.name = name;
  for (const std::string& key : file.attribute_names(group))
    if (const auto value = file.find_attribute(group, key))
      out.attributes[key] = *value;
    else
      out.unreadable.push_back(key);
  out.inputs = read_group(file, group + "/inputs");
  out.params = read_group(file, group + "/params");
  out.constants = read_group(file, group + "/const");
  out.outputs = read_group(file, group + "/outputs");
  out.upstream = read_group(file, group + "/upstream");
  out.grads = read_group(file, group + "/grads");
  return out;
}

}  // namespace

Tensor Tensor::zeros(std::vector<Index> shape) {
  const Index size = std::accumulate(shape.begin(), shape.end(), Index(1), std::multiplies<>());
  return {std::move(shape), std::vector<double>(static_cast<std::size_t>(size))};
}

Index Tensor::size(std::size_t axis) const {
  if (axis >= shape.size())
    throw Error(fmt::format("a tensor of {} axes has no axis {}", shape.size(), axis));
  return shape[axis];
}

Index Tensor::rows() const {
  return shape.empty() ? 1 : std::accumulate(shape.begin(), shape.end() - 1, Index(1), std::multiplies<>());
}

const Tensor& Case::input(const std::string& key) const { return get(inputs, key, "the input"); }
const Tensor& Case::param(const std::string& key) const { return get(params, key, "the parameter"); }
const Tensor& Case::constant(const std::string& key) const { return get(constants, key, "the constant"); }
const Tensor& Case::output(const std::string& key) const { return get(outputs, key, "the output"); }

const Tensor& Case::upstream_out() const { return get(upstream, "out", "the upstream gradient"); }

std::string Case::text(const std::string& key) const {
  const Attribute& a = get(attributes, key, "the attribute");
  if (const auto* text = std::get_if<std::string>(&a)) return *text;
  throw Error(fmt::format("the attribute '{}' is not a text", key));
}

double Case::number(const std::string& key) const {
  const Attribute& a = get(attributes, key, "the attribute");
  if (const auto* number = std::get_if<double>(&a)) return *number;
  return static_cast<double>(integer(key));
}

Index Case::integer(const std::string& key) const {
  const Attribute& a = get(attributes, key, "the attribute");
  if (const auto* number = std::get_if<std::int64_t>(&a)) return *number;
  throw Error(fmt::format("the attribute '{}' is not an integer", key));
}

std::string Case::text_or_empty(const std::string& key) const {
  return attributes.contains(key) ? text(key) : std::string();
}

std::vector<Case> read_cases(const std::filesystem::path& path) {
  const H5Reader file(path, H5Reader::Checksum::none);
  if (!file.has_attribute("/", "format") || file.text("/", "format") != kFormat ||
      file.integer("/", "format_version") != kFormatVersion)
    throw results::DamagedFile(
        path, fmt::format("it is not a golden file: its 'format' must be '{}', version {}.", kFormat,
                          kFormatVersion));
  std::vector<Case> out;
  for (const std::string& name : file.groups("/")) out.push_back(read_case(file, name));
  if (out.empty()) throw results::DamagedFile(path, "it holds no case.");
  return out;
}

Tensor heads_as_columns(const Tensor& t) {
  const Index batch = t.size(0), heads = t.size(1), time = t.size(2), dim = t.size(3);
  Tensor out = Tensor::zeros({batch, time, heads * dim});
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      Heads<double>{out.values.data(), batch, heads, time, dim}(b, h) =
          t.matrix().middleRows((b * heads + h) * time, time);
  return out;
}

Tensor columns_as_heads(const Tensor& t, Index heads) {
  const Index batch = t.size(0), time = t.size(1), dim = t.size(2) / heads;
  Tensor out = Tensor::zeros({batch, heads, time, dim});
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      out.matrix().middleRows((b * heads + h) * time, time) =
          Heads<const double>{t.values.data(), batch, heads, time, dim}(b, h);
  return out;
}

}  // namespace heed::golden
