// Builds an HDF5 file in memory, in the form that xarray, pandas, h5py and ncdump open: every axis of every
// variable is a named dimension (a dimension scale), strings are variable-length UTF-8, names are listed in
// the order written.
//
// The disk is not touched: `finish()` hands out the bytes, atomic_file.h publishes them. Equal calls give
// equal bytes (no times are stored). Names are paths as in HDF5 ("loss", "attention/weights"); the dimensions
// of a variable are looked up in its own group, since xarray does not inherit them. One thread may use a
// writer at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/content_sum.h"
#include "results/errors.h"
#include "results/h5.h"

namespace heed::results {

using Dims = std::vector<std::string>;

// T is float, double, std::int8_t, std::int32_t (rows only) or std::int64_t. Misuse (an unknown dimension, a
// wrong size) is std::logic_error.
class H5Writer {
 public:
  // `path` only names the file in messages.
  explicit H5Writer(const std::filesystem::path& path);
  H5Writer(const H5Writer&) = delete;
  H5Writer& operator=(const H5Writer&) = delete;

  void group(const std::string& name);

  // A dimension without values, and one with values (a coordinate variable of the same name).
  void dimension(const std::string& name, std::size_t length);
  void coordinate(const std::string& name, std::span<const std::int64_t> values);

  // A whole variable; `dims` gives its shape, none make a scalar. Large numeric ones are compressed and
  // checksummed.
  template <class T>
  void variable(const std::string& name, std::span<const T> values, const Dims& dims);
  void strings(const std::string& name, std::span<const std::string> values, const Dims& dims);

  // A variable written row by row along its first dimension, so that it need not be in memory at once. Each
  // row is written once.
  template <class T>
  void begin_rows(const std::string& name, const Dims& dims);
  template <class T>
  void row(const std::string& name, std::size_t index, std::span<const T> values);

  // Attributes of a variable or group, or of the file when `object` is "/".
  void attribute(const std::string& object, const std::string& name, std::string_view text);
  void attribute(const std::string& object, const std::string& name, std::int64_t number);
  void attribute(const std::string& object, const std::string& name, double number);

  // Closes everything, reads it back and returns the file: it holds what was to be written, or IoError is
  // thrown. Nothing may be called afterwards.
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
  void read_back() const;
  void write_attribute(const std::string& object, const std::string& name, hid_t stored, hid_t memory,
                       const void* value);

  H5Check<IoError> check_;
  std::vector<std::byte> image_;  // filled when the file is closed, so it is declared before it
  Handle file_;
  Handle string_type_;
  Handle string_transfer_;
  std::map<std::string, Dimension> dimensions_;  // by full name
  std::map<std::string, Handle> rows_;           // variables that are being written row by row
  ContentSum told_;                              // of all that was to be written
};

}  // namespace heed::results
