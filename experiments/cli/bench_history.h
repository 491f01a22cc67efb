#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "experiments/cli/command.h"

namespace heed::cli {

// The file of `heed bench --history`: measurements of many runs, one JSON object a line. A line has the keys
// of `heed bench --json`, and date, version, build, processor and ceiling_gflops.
class BenchHistory {
 public:
  using Json = nlohmann::ordered_json;

  // Reads the file, if there is one. Throws: results::DamagedFile at a line that is no measurement;
  // results::IoError, also if it cannot be written.
  explicit BenchHistory(std::filesystem::path path);

  // Appends measurements (an object or an array of `heed bench --json`). Returns a table that compares each
  // with the latest earlier one of the same configuration, build and processor. Throws: results::IoError.
  std::string add(const Json& measured);

 private:
  const Json* earlier(const Json& line) const;  // the latest one like `line`; null: there is none
  void append(const std::vector<Json>& lines) const;

  std::filesystem::path path_;
  std::vector<Json> lines_;
  bool ends_with_newline_ = true;
};

}  // namespace heed::cli
