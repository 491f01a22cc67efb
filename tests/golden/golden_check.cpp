// golden_check [--plugin FILE.so] FILE ...: compares heed's outputs and gradients, or a plugin's, with the
// numbers of reference files (docs/conformance.md, docs/reference-numbers.md).
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check/result_table.h"
#include "core/plugin_host.h"
#include "experiments/cli/command.h"
#include "results/errors.h"
#include "tests/golden/check.h"

namespace heed::golden {
namespace {

constexpr const char* kHelp =
    "golden_check [--plugin FILE.so] FILE ...\n"
    "compares heed's outputs and gradients, or a plugin's, with the numbers of reference files\n\n"
    "A number that is off or not finite fails, and so does a case that heed does not know. Cases of variants "
    "that heed\n"
    "does not have yet are skipped. A row shows the verdict and the largest error; a failed row is marked "
    "with '!'.\n\n"
    "    golden_check tests/golden/softmax.h5\n"
    "    golden_check --plugin build/cosine.so cosine.h5\n\n"
    "Exit codes: 0 nothing failed, 1 a case failed, 2 wrong command line, 65 no reference file or damaged, "
    "66 plugin refused, 74 cannot be read.\n";

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
  fmt::print("{}", tally.to_string());
  return passed;
}

int run(const std::vector<std::string>& words) {
  Registry registry;
  register_builtin_variants(registry);
  std::vector<std::string> files;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--help" || word == "-h") return fmt::print("{}", kHelp), kDone;
    if (word == "--plugin" && i + 1 < words.size())
      load_plugin(words[++i], registry);
    else if (word.starts_with('-'))
      throw cli::UsageError(fmt::format("unknown option '{}', or a word is missing after it.", word));
    else
      files.push_back(word);
  }
  if (files.empty()) throw cli::UsageError("'FILE' is missing.");
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
  } catch (const PluginError& e) {
    return fail(kRefusedPlugin, e);
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
