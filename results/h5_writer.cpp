#include "results/h5_writer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <hdf5_hl.h>
#include <xxhash.h>

#include "results/utf8.h"

namespace heed::results {

namespace {

using Shape = std::vector<hsize_t>;

constexpr std::size_t kCompactBytes =
    4096;  // smaller variables are stored in the object header, which has a checksum
constexpr std::size_t kChunkBytes = 256 * 1024;  // a quarter of HDF5's chunk cache
constexpr std::size_t kMemoryStep = 64 * 1024;   // the file in memory grows by this

Handle property_list(hid_t kind) { return {H5Pcreate(kind), H5Pclose}; }

// Returns a chunk of whole rows up to kChunkBytes, so that writing row by row fills one chunk after the
// other.
Shape chunk_of(Shape shape, std::size_t bytes_each) {
  hsize_t bytes = bytes_each;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    shape[axis] = std::clamp<hsize_t>(kChunkBytes / bytes, 1, shape[axis]);
    bytes *= shape[axis];
  }
  return shape;
}

std::size_t count(std::span<const hsize_t> shape) {
  std::size_t product = 1;
  for (const hsize_t length : shape) product *= length;
  return product;
}

Handle data_space(const Shape& shape) {
  const hid_t space =
      shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(int(shape.size()), shape.data(), nullptr);
  return {space, H5Sclose};
}

// The bytes are copied from the core driver when it frees its memory at closing. H5Fget_file_image, called
// while the file is open, clears the flag "open for writing" in a copy without updating its checksum
// (HDFGroup/hdf5#1915).
void* take_memory(std::size_t size, H5FD_file_image_op_t, void*) { return std::malloc(size); }
void* copy_memory(void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
  return std::memcpy(to, from, size);
}
void* grow_memory(void* memory, std::size_t size, H5FD_file_image_op_t, void*) {
  return std::realloc(memory, size);
}
herr_t give_back_memory(void* memory, H5FD_file_image_op_t why, void* image) {
  // The image has the file's size after finish() was called, else it is empty.
  auto& bytes = *static_cast<std::vector<std::byte>*>(image);
  if (why == H5FD_FILE_IMAGE_OP_FILE_CLOSE && !bytes.empty()) std::memcpy(bytes.data(), memory, bytes.size());
  std::free(memory);
  return 0;
}
void* share_image(void* image) { return image; }
herr_t keep_image(void*) { return 0; }

void require(bool good, const std::string& name, const char* rule) {
  if (!good) throw std::logic_error(fmt::format("HDF5 variable '{}': {}", name, rule));
}

}  // namespace

H5Writer::H5Writer(const std::filesystem::path& path) : check_{path} {
  h5_quiet();
  string_type_ = h5_string_type();
  string_transfer_ = h5_string_transfer();
  const Handle creation = property_list(H5P_FILE_CREATE), access = property_list(H5P_FILE_ACCESS);
  check_(H5Pset_link_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
         "set order");
  check_(H5Pset_attr_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED), "set order of attributes");
  check_(H5Pset_obj_track_times(creation.get(), false), "leave out times");
  check_(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V110), "set version");
  check_(H5Pset_fapl_core(access.get(), kMemoryStep, false), "build in memory");
  H5FD_file_image_callbacks_t callbacks = {take_memory, copy_memory, grow_memory, give_back_memory,
                                           share_image, keep_image,  &image_};
  check_(H5Pset_file_image_callbacks(access.get(), &callbacks), "build in memory");
  file_ =
      Handle(H5Fcreate(h5_memory_name(this).c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  check_(file_.get(), "build the file in memory");
}

void H5Writer::group(const std::string& name) {
  const Handle creation = property_list(H5P_GROUP_CREATE);
  check_(H5Pset_link_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
         "set order");
  check_(H5Pset_obj_track_times(creation.get(), false), "leave out times");
  Handle made(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose);
  check_(made.get(), "create group", name);
  check_(made.close(), "close group", name);
}

const H5Writer::Dimension& H5Writer::find_dimension(const std::string& variable,
                                                    const std::string& name) const {
  const std::size_t slash = variable.rfind('/');
  const auto found = dimensions_.find(slash == variable.npos ? name : variable.substr(0, slash + 1) + name);
  require(found != dimensions_.end(), variable, "one of its dimensions is not in its group");
  return found->second;
}

std::vector<hsize_t> H5Writer::shape_of(const std::string& name, const Dims& dims) const {
  Shape shape;
  for (const std::string& dim : dims) shape.push_back(find_dimension(name, dim).length);
  return shape;
}

// With `bytes_each` 0 no storage is allocated: a dimension without values never has any.
Handle H5Writer::create(const std::string& name, hid_t stored_type, std::size_t bytes_each,
                        const Shape& shape) {
  const Handle creation = property_list(H5P_DATASET_CREATE), space = data_space(shape);
  check_(H5Pset_attr_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED), "set order of attributes");
  check_(H5Pset_obj_track_times(creation.get(), false), "leave out times");
  const std::size_t bytes = bytes_each * count(shape);
  if (bytes > 0 && bytes <= kCompactBytes) {
    check_(H5Pset_layout(creation.get(), H5D_COMPACT), "set layout");
  } else if (bytes > 0 && H5Tis_variable_str(stored_type) == 0) {
    const Shape chunk = chunk_of(shape, bytes_each);
    check_(H5Pset_chunk(creation.get(), int(chunk.size()), chunk.data()), "set chunks");
    check_(H5Pset_shuffle(creation.get()), "set shuffle");
    check_(H5Pset_deflate(creation.get(), 4), "set compression");
  }
  const hid_t made = H5Dcreate2(file_.get(), name.c_str(), stored_type, space.get(), H5P_DEFAULT,
                                creation.get(), H5P_DEFAULT);
  Handle dataset(check_(made, "create variable", name), H5Dclose);
  return dataset;
}

// Attaches a scale to every axis: xarray refuses a file with a single axis without one.
Handle H5Writer::create_with_dims(const std::string& name, hid_t stored_type, std::size_t bytes_each,
                                  const Dims& dims) {
  Handle dataset = create(name, stored_type, bytes_each, shape_of(name, dims));
  for (unsigned axis = 0; axis < dims.size(); ++axis)
    check_(H5DSattach_scale(dataset.get(), find_dimension(name, dims[axis]).scale.get(), axis),
           "attach a dimension to", name);
  return dataset;
}

// The label is that of netCDF: the name if the dimension has values, else a fixed sentence.
void H5Writer::make_scale(const std::string& name, Handle dataset, std::size_t length,
                          const std::string& label) {
  check_(H5DSset_scale(dataset.get(), label.c_str()), "make a dimension of", name);
  dimensions_.emplace(name, Dimension{std::move(dataset), length});
}

void H5Writer::dimension(const std::string& name, std::size_t length) {
  make_scale(name, create(name, H5T_IEEE_F32BE, 0, {length}), length,
             fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", length));
}

void H5Writer::coordinate(const std::string& name, std::span<const std::int64_t> values) {
  Handle dataset = create(name, H5T_STD_I64LE, sizeof(std::int64_t), {values.size()});
  check_(H5Dwrite(dataset.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "write",
         name);
  make_scale(name, std::move(dataset), values.size(), name.substr(name.rfind('/') + 1));
}

template <class T>
void H5Writer::variable(const std::string& name, std::span<const T> values, const Dims& dims) {
  require(values.size() == count(shape_of(name, dims)), name,
          "the number of values does not fit its dimensions");
  Handle dataset = create_with_dims(name, h5_type<T>(), sizeof(T), dims);
  check_(H5Dwrite(dataset.get(), h5_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "write", name);
  check_(dataset.close(), "close", name);
}

void H5Writer::strings(const std::string& name, std::span<const std::string> values, const Dims& dims) {
  require(values.size() == count(shape_of(name, dims)), name,
          "the number of texts does not fit its dimensions");
  std::vector<std::string> clean;
  for (const std::string& value : values) clean.push_back(valid_utf8(value));
  std::vector<const char*> pointers;
  for (const std::string& text : clean) pointers.push_back(text.c_str());
  Handle dataset =
      create_with_dims(name, string_type_.get(), 16, dims);  // a length and an address in the heap
  check_(
      H5Dwrite(dataset.get(), string_type_.get(), H5S_ALL, H5S_ALL, string_transfer_.get(), pointers.data()),
      "write", name);
  check_(dataset.close(), "close", name);
}

template <class T>
void H5Writer::begin_rows(const std::string& name, const Dims& dims) {
  require(!dims.empty(), name, "a scalar has no rows");
  rows_.emplace(name, create_with_dims(name, h5_type<T>(), sizeof(T), dims));
}

template <class T>
void H5Writer::row(const std::string& name, std::size_t index, std::span<const T> values) {
  const auto found = rows_.find(name);
  require(found != rows_.end(), name, "begin_rows comes first");
  const Handle space(check_(H5Dget_space(found->second.get()), "look at", name), H5Sclose);
  Shape shape(std::size_t(check_(H5Sget_simple_extent_ndims(space.get()), "look at", name)));
  check_(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), "look at", name);
  require(index < shape[0] && values.size() == count(std::span(shape).subspan(1)), name,
          "the row does not fit");
  Shape start(shape.size(), 0);
  start[0] = index;
  shape[0] = 1;
  const Handle memory = data_space(shape);
  check_(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, shape.data(), nullptr),
         "select", name);
  check_(H5Dwrite(found->second.get(), h5_type<T>(), memory.get(), space.get(), H5P_DEFAULT, values.data()),
         "write", name);
}

void H5Writer::write_attribute(const std::string& object, const std::string& name, hid_t type,
                               const void* value) {
  const Handle space = data_space({});
  Handle made(H5Acreate_by_name(file_.get(), object.c_str(), name.c_str(), type, space.get(), H5P_DEFAULT,
                                H5P_DEFAULT, H5P_DEFAULT),
              H5Aclose);
  check_(made.get(), "create attribute", name);
  check_(H5Awrite(made.get(), type, value), "write attribute", name);
  check_(made.close(), "close attribute", name);
}

void H5Writer::attribute(const std::string& object, const std::string& name, std::string_view text) {
  const std::string clean = valid_utf8(text);
  const char* pointer = clean.c_str();
  write_attribute(object, name, string_type_.get(), &pointer);
}

void H5Writer::attribute(const std::string& object, const std::string& name, std::int64_t number) {
  write_attribute(object, name, h5_type<std::int64_t>(), &number);
}

void H5Writer::attribute(const std::string& object, const std::string& name, double number) {
  write_attribute(object, name, h5_type<double>(), &number);
}

std::vector<std::byte> H5Writer::finish() {
  for (auto& [name, dataset] : rows_) check_(dataset.close(), "close", name);  // compresses the last chunk
  for (auto& [name, dimension] : dimensions_) check_(dimension.scale.close(), "close", name);
  check_(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "complete the file");
  // An object left open would keep the file open and its last data out of the image.
  require(check_(H5Fget_obj_count(file_.get(), H5F_OBJ_ALL), "count open objects") == 1, "/",
          "something is still open");
  const ssize_t size = check_(H5Fget_file_image(file_.get(), nullptr, 0), "measure the file");
  image_.resize(static_cast<std::size_t>(size));  // the driver's memory may be longer
  check_(file_.close(), "close the file");
  return std::move(image_);
}

std::vector<std::byte> built_twice(const std::filesystem::path& path,
                                   const std::function<std::vector<std::byte>()>& build) {
  const auto hash = [](std::span<const std::byte> bytes) { return XXH64(bytes.data(), bytes.size(), 0); };
  const XXH64_hash_t first = hash(build());  // one copy in memory at a time
  std::vector<std::byte> bytes = build();
  if (hash(bytes) == first) return bytes;
  throw IoError(path,
                "HDF5 did not store the same data twice, which happens if memory runs out. Nothing was "
                "published; run the command again");
}

template void H5Writer::variable(const std::string&, std::span<const float>, const Dims&);
template void H5Writer::variable(const std::string&, std::span<const double>, const Dims&);
template void H5Writer::variable(const std::string&, std::span<const std::int8_t>, const Dims&);
template void H5Writer::variable(const std::string&, std::span<const std::int64_t>, const Dims&);
template void H5Writer::begin_rows<float>(const std::string&, const Dims&);
template void H5Writer::begin_rows<double>(const std::string&, const Dims&);
template void H5Writer::begin_rows<std::int32_t>(const std::string&, const Dims&);
template void H5Writer::begin_rows<std::int64_t>(const std::string&, const Dims&);
template void H5Writer::row(const std::string&, std::size_t, std::span<const float>);
template void H5Writer::row(const std::string&, std::size_t, std::span<const double>);
template void H5Writer::row(const std::string&, std::size_t, std::span<const std::int32_t>);
template void H5Writer::row(const std::string&, std::size_t, std::span<const std::int64_t>);

}  // namespace heed::results
