// Reads an HDF5 file: heed's results, whose checksum is verified before HDF5 reads a byte, and files of
// other programs. Throws: DamagedFile with path and variable if the content does not match the request,
// IoError if the file cannot be read. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "results/errors.h"
#include "results/h5.h"

namespace heed::results {

class H5Reader {
 public:
  using Attribute = std::variant<std::int64_t, double, std::string>;
  enum class Kind { integer, number, text };
  enum class Checksum { required, none };

  // Reads the whole file into memory, so that it is not open or locked on disk afterwards.
  explicit H5Reader(const std::filesystem::path& path, Checksum checksum = Checksum::required);
  // Opens a file in memory; `path` is only for messages.
  H5Reader(const std::filesystem::path& path, std::span<const std::byte> file);
  H5Reader(const H5Reader&) = delete;
  H5Reader& operator=(const H5Reader&) = delete;

  // Return the names directly in a group, in the order written if the file stores it, else sorted. "/" is
  // the root.
  std::vector<std::string> variables(const std::string& group) const;
  std::vector<std::string> groups(const std::string& group) const;
  bool has(const std::string& name) const;  // a variable or group. Requires: each group above it exists

  Kind kind(const std::string& name) const;
  std::size_t bytes_each(const std::string& name) const;
  std::vector<std::size_t> shape(const std::string& name) const;
  bool is_dimension(const std::string& name) const;
  std::vector<std::string> dims(const std::string& name) const;  // "" for an axis without a scale

  // Returns the values in C order. T is float, double, std::int8_t, std::int32_t or std::int64_t; HDF5
  // converts other numbers to T.
  template <class T>
  std::vector<T> read(const std::string& name) const;
  // Returns some rows along the first axis, for arrays of many trials.
  template <class T>
  std::vector<T> read_rows(const std::string& name, std::size_t first, std::size_t rows = 1) const;
  std::vector<std::string> strings(const std::string& name) const;

  // Returns a scalar attribute of a variable or group ("/" for the file), or nullopt if there is none.
  std::optional<Attribute> find_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> attribute_names(const std::string& object) const;
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string text_or_empty(const std::string& object,
                            const std::string& name) const;  // also if it is a number
  // Return attributes. Throw: DamagedFile if the attribute is missing or has another type.
  std::string text(const std::string& object, const std::string& name) const;
  std::int64_t integer(const std::string& object, const std::string& name) const;

  const std::filesystem::path& path() const { return check_.path; }

 private:
  hid_t open(const std::string& name) const;
  hid_t open_dataset(const std::string& name) const;
  std::vector<std::string> children(const std::string& group, H5I_type_t type) const;
  Handle type_of(const std::string& name) const;
  Handle space_of(const std::string& name) const;
  std::string scale_name(const std::string& name, unsigned axis) const;
  [[noreturn]] void refuse(const std::string& name, const char* why) const;

  H5Check<DamagedFile> check_;
  Handle file_;
  mutable std::map<std::string, Handle> opened_;  // opening an object costs far more than reading a property
};

}  // namespace heed::results
