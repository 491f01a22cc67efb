// Builds an HDF5 file in memory, in the form that xarray, pandas, h5py and ncdump open: every axis of every
// variable is a named dimension (a dimension scale), strings are variable-length UTF-8, names are listed in
// the order written.
//
// Nothing is written to disk: `finish()` returns the bytes, atomic_file.h writes them. Equal calls give
// equal bytes (no times are stored). Names are paths as in HDF5 ("loss", "attention/weights"); the
// dimensions of a variable are looked up in its own group, because xarray does not inherit them. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/errors.h"
#include "results/h5.h"

namespace heed::results {

using Dims = std::vector<std::string>;

// T is float, double, std::int8_t, std::int32_t (rows only) or std::int64_t. Throws: std::logic_error on
// misuse (an unknown dimension, a wrong size).
class H5Writer {
 public:
  // `path` is only for messages.
  explicit H5Writer(const std::filesystem::path& path);
  H5Writer(const H5Writer&) = delete;
  H5Writer& operator=(const H5Writer&) = delete;

  void group(const std::string& name);

  // Add a dimension without values, and one with values (a coordinate variable of the same name).
  void dimension(const std::string& name, std::size_t length);
  void coordinate(const std::string& name, std::span<const std::int64_t> values);

  // Adds a whole variable. `dims` gives its shape; without dims it is a scalar. Large numeric variables are
  // compressed.
  template <class T>
  void variable(const std::string& name, std::span<const T> values, const Dims& dims);
  void strings(const std::string& name, std::span<const std::string> values, const Dims& dims);

  // Add a variable row by row along its first dimension, so that it need not be in memory as a whole.
  // Requires: each row is written once.
  template <class T>
  void begin_rows(const std::string& name, const Dims& dims);
  template <class T>
  void row(const std::string& name, std::size_t index, std::span<const T> values);

  // Add an attribute to a variable or group, or to the file if `object` is "/".
  void attribute(const std::string& object, const std::string& name, std::string_view text);
  void attribute(const std::string& object, const std::string& name, std::int64_t number);
  void attribute(const std::string& object, const std::string& name, double number);

  // Closes everything and returns the bytes of the file. Call nothing afterwards.
  std::vector<std::byte> finish();

 private:
  struct Dimension {
    Handle scale;
    hsize_t length;
  };
  const Dimension& find_dimension(const std::string& variable, const std::string& name) const;
  std::vector<hsize_t> shape_of(const std::string& name, const Dims& dims) const;
  Handle create(const std::string& name, hid_t stored_type, std::size_t bytes_each,
                const std::vector<hsize_t>& shape);
  Handle create_with_dims(const std::string& name, hid_t stored_type, std::size_t bytes_each,
                          const Dims& dims);
  void make_scale(const std::string& name, Handle dataset, std::size_t length, const std::string& label);
  void write_attribute(const std::string& object, const std::string& name, hid_t type, const void* value);

  H5Check<IoError> check_;
  std::vector<std::byte> image_;  // filled when the file is closed, so it must be declared before file_
  Handle file_;
  Handle string_type_;
  Handle string_transfer_;
  std::map<std::string, Dimension> dimensions_;  // by full name
  std::map<std::string, Handle> rows_;           // variables that are being written row by row
};

// Calls `build` twice and returns the bytes if both calls give the same. HDF5 1.10 ignores some failed
// allocations, and then reads or stores something else without an error, so `build` must read again whatever
// it takes from other HDF5 files. Throws: IoError if the two differ.
std::vector<std::byte> built_twice(const std::filesystem::path& path,
                                   const std::function<std::vector<std::byte>()>& build);

}  // namespace heed::results
