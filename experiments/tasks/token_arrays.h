#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace heed {

// An array of integers, in C order.
struct IntegerArray {
  std::vector<std::size_t> shape;
  std::vector<std::int64_t> values;
};

// A file of named arrays of integers, as "train/tokens". Errors are heed::Error: a sentence that begins with
// the file, and with the array where there is one.
class ArrayFile {
 public:
  virtual ~ArrayFile() = default;
  virtual bool has(const std::string& name) const = 0;
  // Returns the names of all arrays, without the dimension scales of HDF5.
  virtual std::vector<std::string> names() const = 0;
  // Throws: heed::Error if the array is missing, damaged or not of integers.
  virtual IntegerArray read(const std::string& name) const = 0;
  // Returns an integer attribute of an array, or of the file for "/"; nullopt if there is none.
  virtual std::optional<std::int64_t> number(const std::string& object, const std::string& name) const = 0;
  // Returns an attribute of the file that is a string; empty if there is none.
  virtual std::string text(const std::string& name) const = 0;
};

// Opens an archive of NumPy (.npz). Throws: heed::Error if it is none.
std::unique_ptr<ArrayFile> open_npz(const std::filesystem::path& path);

// Opens an HDF5 file. Throws: heed::Error if it is none.
std::unique_ptr<ArrayFile> open_hdf5(const std::filesystem::path& path);

}  // namespace heed
