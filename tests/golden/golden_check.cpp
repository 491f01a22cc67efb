// golden_check FILE ...: compares heed's outputs and gradients with the numbers of reference files
// (docs/conformance.md, "Reference numbers").
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check/result_table.h"
#include "core/error.h"
#include "experiments/cli/command.h"
#include "results/errors.h"
#include "tests/golden/check.h"

namespace heed::golden {
namespace {

constexpr const char* kHelp =
    "golden_check FILE ...\n"
    "compares heed's outputs and gradients with the numbers of reference files\n\n"
    "A number that is off or not finite fails, and so does a case that heed does not know. Cases of variants "
    "that heed\n"
    "does not have yet are skipped. A row shows the verdict and the largest error; a failed row is marked "
    "with '!'.\n\n"
    "    golden_check tests/golden/softmax.h5\n\n"
    "Exit codes: 0 nothing failed, 1 a case failed, 2 wrong command line, 65 no reference file or damaged, "
    "74 cannot be read.\n";

// Prints the rows of each file; returns whether nothing failed.
bool check_files(const std::vector<std::string>& files, const Registry& registry) {
  Tally tally;
  bool passed = true;
  for (const std::string& file : files) {
    const FileResult result = check_file(file, registry);
    fmt::print("{}\n", file);
    for (const CaseResult& r : result.cases) {
      ++tally.counts[to_string(r.verdict)];
      fmt::print("{}", result_row(r.name, to_string(r.verdict), r.largest_error, r.message, r.failed()));
    }
    passed = passed && result.passed();
  }
  fmt::print("{}", tally.text());
  return passed;
}

int run(const std::vector<std::string>& words) {
  std::vector<std::string> files;
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") return fmt::print("{}", kHelp), kDone;
    if (word.starts_with('-')) throw cli::UsageError(fmt::format("unknown option '{}'.", word));
    files.push_back(word);
  }
  if (files.empty()) throw cli::UsageError("'FILE' is missing.");
  Registry registry;
  register_builtin_variants(registry);
  return check_files(files, registry) ? kDone : kSomeFailed;
}

int fail(int code, const std::exception& e) {
  std::fflush(stdout);
  fmt::print(stderr, "golden_check: {}\n", e.what());
  return code;
}

int guarded(const std::vector<std::string>& words) {
  try {
    return run(words);
  } catch (const cli::UsageError& e) {
    return fail(kWrongCommandLine, e);
  } catch (const results::DamagedFile& e) {
    return fail(kDamagedFile, e);
  } catch (const results::IoError& e) {
    return fail(kInputOutput, e);
  } catch (const std::exception& e) {
    return fail(kBug, e);
  }
}

}  // namespace
}  // namespace heed::golden

int main(int argc, char** argv) { return heed::golden::guarded({argv + 1, argv + argc}); }
