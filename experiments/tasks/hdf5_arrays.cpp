#include <fmt/format.h>

#include "core/error.h"
#include "experiments/tasks/token_arrays.h"
#include "results/h5_reader.h"

namespace heed {
namespace {

using results::H5Reader;

class Hdf5Arrays final : public ArrayFile {
 public:
  explicit Hdf5Arrays(const std::filesystem::path& path) : file_(path, H5Reader::Checksum::none) {}

  bool has(const std::string& name) const override {
    const std::size_t slash = name.find('/');
    if (slash != std::string::npos && !file_.has(name.substr(0, slash))) return false;
    return file_.has(name);
  }

  IntegerArray read(const std::string& name) const override {
    if (!has(name)) refuse(name, "the file has no such array");
    try {
      if (file_.kind(name) != H5Reader::Kind::integer)
        refuse(name, "its numbers are no integers; convert them: x.astype('int32')");
      return {file_.shape(name), file_.read<std::int64_t>(name)};
    } catch (const results::DamagedFile& e) {
      throw Error(e.what());
    }
  }

  std::optional<std::int64_t> number(const std::string& object, const std::string& name) const override {
    const auto found = file_.find_attribute(object, name);
    if (!found || !std::holds_alternative<std::int64_t>(*found)) return std::nullopt;
    return std::get<std::int64_t>(*found);
  }

  std::string text(const std::string& name) const override { return file_.text_or_empty("/", name); }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    throw Error(fmt::format("'{}': the array '{}' cannot be read: {}.", file_.path().string(), name, why));
  }

  H5Reader file_;
};

}  // namespace

std::unique_ptr<ArrayFile> open_hdf5(const std::filesystem::path& path) {
  try {
    return std::make_unique<Hdf5Arrays>(path);
  } catch (const results::DamagedFile& e) {
    throw Error(fmt::format("'{}' cannot be read as an HDF5 file: {}", path.string(), e.what()));
  } catch (const results::IoError& e) {
    throw Error(e.what());
  }
}

}  // namespace heed
