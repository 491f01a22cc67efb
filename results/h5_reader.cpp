#include "results/h5_reader.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>

#include <hdf5_hl.h>

#include "results/atomic_file.h"
#include "results/checksum.h"

namespace heed::results {

namespace {

// Returns the string that `name(buffer, size)` writes, or nullopt if it fails; `name` returns the length.
// HDF5 searches for some names, so the second call is made only if the first buffer was too small.
std::optional<std::string> measured_name(const std::function<ssize_t(char*, std::size_t)>& name) {
  std::string text(256, '\0');
  ssize_t length = name(text.data(), text.size());
  if (length >= static_cast<ssize_t>(text.size())) {
    text.resize(static_cast<std::size_t>(length) + 1);
    length = name(text.data(), text.size());
  }
  if (length < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::vector<std::byte> content(const std::filesystem::path& path, H5Reader::Checksum checksum) {
  std::vector<std::byte> bytes = read_file(path);
  if (checksum == H5Reader::Checksum::none) return bytes;
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  if (bytes.empty() ||
      std::memcmp(bytes.data(), signature.data(), std::min(bytes.size(), signature.size())) != 0)
    throw DamagedFile(path, "this is no results file of heed: it is not HDF5.");
  remove_checksum(bytes, path);
  return bytes;
}

}  // namespace

H5Reader::H5Reader(const std::filesystem::path& path, Checksum checksum)
    : H5Reader(path, content(path, checksum)) {}

H5Reader::H5Reader(const std::filesystem::path& path, std::span<const std::byte> file) : check_{path} {
  h5_quiet();
  const Handle access(check_(H5Pcreate(H5P_FILE_ACCESS), "set up"), H5Pclose);
  check_(H5Pset_fapl_core(access.get(), 64 * 1024, false), "read from memory");
  // HDF5 copies the bytes and does not change them.
  check_(H5Pset_file_image(access.get(), const_cast<std::byte*>(file.data()), file.size()),
         "read from memory");
  file_ = Handle(H5Fopen(h5_memory_name(this).c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  check_(file_.get(), "read as an HDF5 file");
}

void H5Reader::refuse(const std::string& name, const char* why) const {
  throw DamagedFile(path(), "'" + name + "' " + why + '.');
}

// Keeps objects open: a merge asks for several properties of each of many variables.
hid_t H5Reader::open(const std::string& name) const {
  const auto found = opened_.find(name);
  if (found != opened_.end()) return found->second.get();
  Handle object(check_(H5Oopen(file_.get(), name.c_str(), H5P_DEFAULT), "find", name), H5Oclose);
  return opened_.emplace(name, std::move(object)).first->second.get();
}

hid_t H5Reader::open_dataset(const std::string& name) const {
  const hid_t object = open(name);
  if (H5Iget_type(object) != H5I_DATASET) refuse(name, "is not a variable");
  return object;
}

Handle H5Reader::type_of(const std::string& name) const {
  return {check_(H5Dget_type(open_dataset(name)), "look at", name), H5Tclose};
}

Handle H5Reader::space_of(const std::string& name) const {
  return {check_(H5Dget_space(open_dataset(name)), "measure", name), H5Sclose};
}

bool H5Reader::has(const std::string& name) const {
  return check_(H5Lexists(file_.get(), name.c_str(), H5P_DEFAULT), "look for", name) > 0;
}

std::vector<std::string> H5Reader::children(const std::string& group, H5I_type_t type) const {
  const hid_t opened = open(group);
  H5G_info_t info;
  check_(H5Gget_info(opened, &info), "list", group);
  const Handle creation(check_(H5Gget_create_plist(opened), "list", group), H5Pclose);
  // Asking a group that does not track creation order for names in that order is an error.
  unsigned order = 0;
  check_(H5Pget_link_creation_order(creation.get(), &order), "list", group);
  const H5_index_t index = (order & H5P_CRT_ORDER_TRACKED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  const std::string folder = group == "/" ? "" : group + "/";
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const std::optional<std::string> name = measured_name([&](char* text, std::size_t size) {
      return H5Lget_name_by_idx(opened, ".", index, H5_ITER_INC, i, text, size, H5P_DEFAULT);
    });
    check_(name ? 0 : -1, "list", group);
    if (check_(H5Iget_type(open(folder + *name)), "look at", *name) == type) names.push_back(*name);
  }
  return names;
}

std::vector<std::string> H5Reader::variables(const std::string& group) const {
  return children(group, H5I_DATASET);
}
std::vector<std::string> H5Reader::groups(const std::string& group) const {
  return children(group, H5I_GROUP);
}

H5Reader::Kind H5Reader::kind(const std::string& name) const {
  const Handle type = type_of(name);
  switch (check_(H5Tget_class(type.get()), "look at", name)) {
    case H5T_INTEGER:
      return Kind::integer;
    case H5T_FLOAT:
      return Kind::number;
    case H5T_STRING:
      return Kind::text;
    default:
      refuse(name, "is neither a number nor a text");
  }
}

std::size_t H5Reader::bytes_each(const std::string& name) const {
  const Handle type = type_of(name);
  const std::size_t size = H5Tget_size(type.get());
  check_(size > 0 ? 0 : -1, "look at", name);
  return size;
}

std::vector<std::size_t> H5Reader::shape(const std::string& name) const {
  const Handle space = space_of(name);
  const int axes = check_(H5Sget_simple_extent_ndims(space.get()), "measure", name);
  std::vector<hsize_t> lengths(static_cast<std::size_t>(axes));
  check_(H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr), "measure", name);
  return {lengths.begin(), lengths.end()};
}

bool H5Reader::is_dimension(const std::string& name) const {
  return check_(H5DSis_scale(open_dataset(name)), "look at", name) > 0;
}

// Returns the name of the first scale of an axis, without its group, or an empty string.
std::string H5Reader::scale_name(const std::string& name, unsigned axis) const {
  const hid_t dataset = open_dataset(name);
  if (check_(H5DSget_num_scales(dataset, axis), "find the dimensions of", name) == 0) return {};
  std::string found;
  const auto take = [](hid_t, unsigned, hid_t scale, void* result) -> herr_t {
    const auto full =
        measured_name([&](char* text, std::size_t size) { return H5Iget_name(scale, text, size); });
    *static_cast<std::string*>(result) = full.value_or("");
    return full && !full->empty() ? 1 : -1;
  };
  check_(H5DSiterate_scales(dataset, axis, nullptr, take, &found), "find the dimensions of", name);
  return found.substr(found.rfind('/') + 1);
}

// xarray's dimensions are HDF5's dimension scales, one for each axis.
std::vector<std::string> H5Reader::dims(const std::string& name) const {
  std::vector<std::string> names;
  for (unsigned axis = 0; axis < shape(name).size(); ++axis) names.push_back(scale_name(name, axis));
  return names;
}

template <class T>
std::vector<T> H5Reader::read(const std::string& name) const {
  const std::vector<std::size_t> lengths = shape(name);
  std::vector<T> values(std::accumulate(lengths.begin(), lengths.end(), std::size_t{1}, std::multiplies<>()));
  const hid_t dataset = open_dataset(name);
  check_(H5Dread(dataset, h5_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read", name);
  return values;
}

template <class T>
std::vector<T> H5Reader::read_rows(const std::string& name, std::size_t first, std::size_t rows) const {
  const std::vector<std::size_t> lengths = shape(name);
  if (lengths.empty() || first > lengths[0] || rows > lengths[0] - first) refuse(name, "has no such row");
  std::vector<hsize_t> start(lengths.size(), 0), count(lengths.begin(), lengths.end());
  start[0] = first, count[0] = rows;
  const hid_t dataset = open_dataset(name);
  const Handle in_file = space_of(name);
  check_(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
         "choose rows of", name);
  const Handle in_memory(
      check_(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "read", name),
      H5Sclose);
  std::vector<T> values(std::accumulate(count.begin(), count.end(), std::size_t{1}, std::multiplies<>()));
  check_(H5Dread(dataset, h5_type<T>(), in_memory.get(), in_file.get(), H5P_DEFAULT, values.data()), "read",
         name);
  return values;
}

std::vector<std::string> H5Reader::strings(const std::string& name) const {
  const std::vector<std::size_t> lengths = shape(name);
  std::vector<char*> texts(
      std::accumulate(lengths.begin(), lengths.end(), std::size_t{1}, std::multiplies<>()));
  const hid_t dataset = open_dataset(name);
  const Handle space = space_of(name), type = h5_string_type(), transfer = h5_string_transfer();
  std::vector<std::string> values;
  if (texts.empty()) return values;
  check_(H5Dread(dataset, type.get(), H5S_ALL, H5S_ALL, transfer.get(), texts.data()), "read", name);
  // HDF5 returns a null pointer for an empty string.
  for (const char* text : texts) values.emplace_back(text == nullptr ? "" : text);
  check_(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, texts.data()), "give back the texts of", name);
  return values;
}

std::optional<H5Reader::Attribute> H5Reader::find_attribute(const std::string& object,
                                                            const std::string& name) const {
  const hid_t owner = open(object);
  if (check_(H5Aexists(owner, name.c_str()), "look for attribute", name) == 0) return std::nullopt;
  const Handle opened(check_(H5Aopen(owner, name.c_str(), H5P_DEFAULT), "open attribute", name), H5Aclose);
  const Handle type(check_(H5Aget_type(opened.get()), "look at attribute", name), H5Tclose);
  const Handle space(check_(H5Aget_space(opened.get()), "look at attribute", name), H5Sclose);
  // HDF5's own attributes of dimension scales are arrays; they are not part of heed's format.
  if (check_(H5Sget_simple_extent_npoints(space.get()), "look at attribute", name) != 1) return std::nullopt;
  const H5T_class_t kind = check_(H5Tget_class(type.get()), "look at attribute", name);
  if (kind == H5T_INTEGER) {
    std::int64_t number = 0;
    check_(H5Aread(opened.get(), H5T_NATIVE_INT64, &number), "read attribute", name);
    return number;
  }
  if (kind == H5T_FLOAT) {
    double number = 0;
    check_(H5Aread(opened.get(), H5T_NATIVE_DOUBLE, &number), "read attribute", name);
    return number;
  }
  if (kind != H5T_STRING || check_(H5Tis_variable_str(type.get()), "look at attribute", name) == 0)
    return std::nullopt;
  char* text = nullptr;
  check_(H5Aread(opened.get(), h5_string_type().get(), &text), "read attribute", name);
  std::string value = text == nullptr ? "" : text;
  check_(H5free_memory(text), "give back attribute", name);
  return value;
}

std::vector<std::string> H5Reader::attribute_names(const std::string& object) const {
  std::vector<std::string> names;
  const auto take = [](hid_t, const char* name, const H5A_info_t*, void* result) -> herr_t {
    static_cast<std::vector<std::string>*>(result)->emplace_back(name);
    return 0;
  };
  const hid_t owner = open(object);
  check_(H5Aiterate2(owner, H5_INDEX_NAME, H5_ITER_INC, nullptr, take, &names), "list attributes of", object);
  return names;
}

bool H5Reader::has_attribute(const std::string& object, const std::string& name) const {
  return find_attribute(object, name).has_value();
}

std::string H5Reader::text_or_empty(const std::string& object, const std::string& name) const {
  const auto found = find_attribute(object, name);
  return found && std::holds_alternative<std::string>(*found) ? std::get<std::string>(*found) : "";
}

std::string H5Reader::text(const std::string& object, const std::string& name) const {
  const auto found = find_attribute(object, name);
  if (!found || !std::holds_alternative<std::string>(*found))
    refuse(object, ("lacks the text '" + name + "'").c_str());
  return std::get<std::string>(*found);
}

std::int64_t H5Reader::integer(const std::string& object, const std::string& name) const {
  const auto found = find_attribute(object, name);
  if (!found || !std::holds_alternative<std::int64_t>(*found))
    refuse(object, ("lacks the integer '" + name + "'").c_str());
  return std::get<std::int64_t>(*found);
}

template std::vector<float> H5Reader::read(const std::string&) const;
template std::vector<double> H5Reader::read(const std::string&) const;
template std::vector<std::int8_t> H5Reader::read(const std::string&) const;
template std::vector<std::int32_t> H5Reader::read(const std::string&) const;
template std::vector<std::int64_t> H5Reader::read(const std::string&) const;
template std::vector<float> H5Reader::read_rows(const std::string&, std::size_t, std::size_t) const;
template std::vector<double> H5Reader::read_rows(const std::string&, std::size_t, std::size_t) const;
template std::vector<std::int8_t> H5Reader::read_rows(const std::string&, std::size_t, std::size_t) const;
template std::vector<std::int32_t> H5Reader::read_rows(const std::string&, std::size_t, std::size_t) const;
template std::vector<std::int64_t> H5Reader::read_rows(const std::string&, std::size_t, std::size_t) const;

}  // namespace heed::results
