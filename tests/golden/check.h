// Runs heed's own code, in double, on the cases of a reference file and compares every output and every
// gradient.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/registry.h"

namespace heed::golden {

enum class Verdict { passed, missed, skipped, unknown };
const char* to_string(Verdict verdict);

struct CaseResult {
  std::string name;
  Verdict verdict = Verdict::passed;
  double largest_error = 0;  // |ours - file|, of the number that comes nearest to its tolerance or exceeds it
  std::string message = "";  // of a miss: which tensor; else why it was not run

  bool failed() const { return verdict == Verdict::missed || verdict == Verdict::unknown; }
};

struct FileResult {
  std::filesystem::path path;
  std::vector<CaseResult> cases;

  bool passed() const;  // no case failed
};

// Runs every case of the file, each with several tile sizes where the variant has such an option.
// Throws: results::DamagedFile where it is no reference file, results::IoError where it cannot be read.
FileResult check_file(const std::filesystem::path& path, const Registry& registry);

}  // namespace heed::golden
