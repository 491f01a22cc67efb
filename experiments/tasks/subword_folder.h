#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/index.h"

namespace heed {

// A folder with subwords that were trained before (Registry::set_task_cache):
//     HASH.model     a model of sentencepiece, and the hash of the file
//     HASH.origin    what it was trained on: the hash of the text and the number of subwords
class SubwordFolder {
 public:
  // folder: empty: there is none, and nothing is found.
  explicit SubwordFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  static std::string origin(const std::string& text, Index vocabulary);

  // Returns the hash of the model with an origin; empty if there is none, or if it is damaged.
  std::string find(const std::string& origin) const;
  // Returns a model by its hash; nullopt if there is none, or if it is damaged: if its hash is another.
  std::optional<std::string> model(const std::string& hash) const;

  std::filesystem::path model_file(const std::string& hash) const { return folder_ / (hash + ".model"); }
  std::filesystem::path origin_file(const std::string& hash) const { return folder_ / (hash + ".origin"); }

 private:
  std::filesystem::path folder_;
};

}  // namespace heed
