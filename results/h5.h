// Safe wrappers of the identifiers and errors of HDF5's C API. Reading is in h5_reader.h, writing in
// h5_writer.h.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

namespace heed::results {

static_assert(std::endian::native == std::endian::little);

// Owns one HDF5 identifier. Close explicitly with `close()` and check its result if a failure could lose
// data. The destructor is for stack unwinding, and for spaces, types and property lists, which own no file
// data.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() { close(); }

  hid_t get() const { return id_; }
  herr_t close() { return id_ < 0 ? 0 : closer_(std::exchange(id_, -1)); }

 private:
  hid_t id_ = -1;
  Closer closer_ = nullptr;
};

// Stops HDF5 from printing its own errors, in the calling thread.
void h5_quiet();
// Returns the innermost reason on HDF5's error stack, and clears the stack. Throws: std::bad_alloc if the
// reason is a failed allocation, which is not the file's fault.
std::string h5_reason();

// Returns a unique name for the in-memory file of `owner`. HDF5 checks whether the name exists on disk, and
// treats two open files of one name as the same. The name is below a device, where no file can exist, and
// contains the owner's address.
std::string h5_memory_name(const void* owner);

// Returns the result of an HDF5 call. Throws: Error(path, "cannot <doing> '<name>': <reason>") if it is
// negative.
template <class Error>
struct H5Check {
  std::filesystem::path path;

  template <class Result>
  Result operator()(Result result, const char* doing, std::string_view name = {}) const {
    if (result >= 0) return result;
    std::string why = std::string("cannot ") + doing;
    if (!name.empty()) why.append(" '").append(name).append("'");
    throw Error(path, why + ": " + h5_reason());
  }
};

// Returns the type of variable-length UTF-8 strings, the only string type that every reader accepts.
Handle h5_string_type();

// Returns the transfer properties of strings. By default HDF5 would allocate and clear a megabyte for each
// variable.
Handle h5_string_transfer();

// Returns HDF5's type of a C++ number. It is the same in memory and in files: little-endian.
template <class T>
hid_t h5_type();

}  // namespace heed::results
