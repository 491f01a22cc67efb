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
    return guarded([&] {
      const std::size_t slash = name.find('/');
      if (slash != std::string::npos && !file_.has(name.substr(0, slash))) return false;
      return file_.has(name);
    });
  }

  std::vector<std::string> names() const override {
    return guarded([&] {
      std::vector<std::string> out, folders = {""};
      for (const std::string& group : file_.groups("/")) folders.push_back(group + '/');
      for (const std::string& folder : folders)
        for (const std::string& name :
             file_.variables(folder.empty() ? "/" : folder.substr(0, folder.size() - 1)))
          if (!file_.is_dimension(folder + name)) out.push_back(folder + name);
      return out;
    });
  }

  IntegerArray read(const std::string& name) const override {
    if (!has(name)) refuse(name, "the file has no such array");
    return guarded([&]() -> IntegerArray {
      if (file_.kind(name) != H5Reader::Kind::integer)
        refuse(name, "its numbers are no integers; convert them: x.astype('int32')");
      return {file_.shape(name), file_.read<std::int64_t>(name)};
    });
  }

  std::optional<std::int64_t> number(const std::string& object, const std::string& name) const override {
    const auto found = guarded([&] { return file_.find_attribute(object, name); });
    if (!found || !std::holds_alternative<std::int64_t>(*found)) return std::nullopt;
    return std::get<std::int64_t>(*found);
  }

  std::string text(const std::string& name) const override {
    return guarded([&] { return file_.text_or_empty("/", name); });
  }

 private:
  // Returns what a function reads. Throws: heed::Error, in place of DamagedFile.
  template <class Read>
  auto guarded(const Read& read) const -> decltype(read()) {
    try {
      return read();
    } catch (const results::DamagedFile& e) {
      throw Error(fmt::format("'{}' is damaged: {}.", file_.path().string(), e.reason));
    }
  }

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
    // "cannot read as an HDF5 file: truncated file"
    const std::size_t colon = e.reason.find(": ");
    throw Error(fmt::format("'{}' cannot be read as an HDF5 file: it is damaged or incomplete ({}).",
                            path.string(),
                            colon == std::string::npos ? e.reason : e.reason.substr(colon + 2)));
  } catch (const results::IoError& e) {
    throw Error(e.what());
  }
}

}  // namespace heed
