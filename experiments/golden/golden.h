// Runs heed's own code, in double, on the cases of a golden file and compares every output and every
// gradient.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/registry.h"

namespace heed {

enum class GoldenVerdict { passed, missed, skipped, unknown };
const char* text(GoldenVerdict verdict);

struct GoldenResult {
  std::string name;
  GoldenVerdict verdict = GoldenVerdict::passed;
  double largest_error = 0;  // |ours - file|, of the number that comes nearest to its tolerance or exceeds it
  std::string message;       // of a miss: which tensor; else why it was not run
};

struct GoldenReport {
  std::filesystem::path path;
  std::vector<GoldenResult> cases;

  bool passed() const;  // nothing missed, nothing unknown
};

// Every case of the file, each with several tile sizes where the variant has such an option. Throws
// results::DamagedFile where it is no golden file, results::IoError where it cannot be read.
GoldenReport check_golden(const std::filesystem::path& path, const Registry& registry);

}  // namespace heed
