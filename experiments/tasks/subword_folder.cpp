#include "experiments/tasks/subword_folder.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "experiments/tasks/subwords.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

// Returns what a file contains; empty if it cannot be read.
std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string SubwordFolder::origin(const std::string& text, Index vocabulary) {
  return fmt::format("{} {}\n", Subwords::hash_of(text), vocabulary);
}

std::string SubwordFolder::find(const std::string& origin) const {
  std::error_code missing;
  for (fs::directory_iterator it(folder_, missing), end; !missing && it != end; it.increment(missing)) {
    const fs::path& file = it->path();
    if (file.extension() == ".origin" && content(file) == origin && model(file.stem().string()))
      return file.stem().string();
  }
  return "";
}

std::optional<std::string> SubwordFolder::model(const std::string& hash) const {
  std::string found = folder_.empty() ? "" : content(model_file(hash));
  if (found.empty() || Subwords::hash_of(found) != hash) return std::nullopt;
  return found;
}

}  // namespace heed
