// The identifiers and the errors of HDF5's C API, made safe. Reading is in h5_reader.h, writing in
// h5_writer.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

namespace heed::results {

// Owns one HDF5 identifier. Whatever may lose data when it fails is closed by name with `close()`, whose
// answer is checked; the destructor is for stack unwinding, and for spaces, types and property lists, which
// own no file data.
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
// The innermost reason on HDF5's error stack, which is emptied. Throws std::bad_alloc where that is a lack of
// memory: no file is to blame for it.
std::string h5_reason();

// A name for the file in memory that `owner` holds open. HDF5 wants one: it looks whether the name exists on
// disk, and takes two open files of one name for the same. Nothing can exist below a device, and an address
// has one owner.
std::string h5_memory_name(const void* owner);

// Passes on what an HDF5 call returned; throws Error(path, "cannot <doing> '<name>': <reason>") if it is
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

// The variable-length UTF-8 string: the one string type that every reader takes.
Handle h5_string_type();

// How texts are transferred: HDF5 would take and clear a buffer of a megabyte for each variable.
Handle h5_string_transfer();

// HDF5's name of a C++ number: as it lies in memory, and as it is stored on every machine.
template <class T>
hid_t h5_memory_type();
template <class T>
hid_t h5_stored_type();

}  // namespace heed::results
