#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check/conformance.h"
#include "experiments/cli/command.h"
#include "experiments/golden/golden.h"

namespace heed::cli {
namespace {

// How many results had each verdict; the summary under a table.
struct Tally {
  std::map<std::string, int> counts;

  std::string text() const {
    std::string out;
    int all = 0;
    for (const auto& [verdict, n] : counts) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, verdict);
      all += n;
    }
    return fmt::format("{} in all: {}\n", all, out);
  }
};

std::string error_text(double error) {
  return std::isnan(error) || error == 0 ? "-" : fmt::format("{:.1e}", error);
}

std::string row(const std::string& name, const char* verdict, double error, const std::string& message) {
  std::string out = fmt::format("  {:<32} {:<8} {:>8}  {}", name, verdict, error_text(error), message);
  out.resize(out.find_last_not_of(' ') + 1);
  return out + '\n';
}

// Rows appear as they come: some variants take many seconds.
bool check_variants(const std::vector<std::string>& wanted, const Registry& registry) {
  std::vector<const VariantInfo*> variants;
  for (const std::string& name : wanted) {
    const VariantInfo* found = registry.find_variant(name);
    if (!found)
      throw UsageError(
          fmt::format("unknown variant '{}'.{}", name, suggestion(name, names(registry.variants()))));
    variants.push_back(found);
  }
  if (wanted.empty())
    for (const VariantInfo& v : registry.variants()) variants.push_back(&v);

  Tally tally;
  ConformanceContext context{.positions = all_positions(registry)};
  context.report = [&](const CheckResult& r) {
    ++tally.counts[text(r.verdict)];
    fmt::print("{}", row(r.check, text(r.verdict), r.worst, r.message));
    std::fflush(stdout);
  };
  for (const VariantInfo* variant : variants)
    for (const Config& options : all_option_choices(*variant)) {
      fmt::print("{}\n", subject_text(*variant, options));
      run_conformance(*variant, options, context);
    }
  fmt::print("{}", tally.text());
  return tally.counts[text(Verdict::failed)] == 0;
}

bool check_files(const std::vector<std::string>& files, const Registry& registry) {
  Tally tally;
  bool passed = true;
  for (const std::string& file : files) {
    const GoldenReport report = check_golden(file, registry);
    fmt::print("{}\n", file);
    for (const GoldenResult& r : report.cases) {
      ++tally.counts[text(r.verdict)];
      fmt::print("{}", row(r.name, text(r.verdict), r.largest_error, r.message));
    }
    passed = passed && report.passed();
  }
  fmt::print("{}", tally.text());
  return passed;
}

int run(const Input& input, const Registry& registry) {
  const std::vector<std::string> variants = input.all("variants"), files = input.all("golden");
  bool passed = true;
  if (files.empty() || !variants.empty()) passed = check_variants(variants, registry);
  if (!files.empty()) passed = check_files(files, registry) && passed;
  return passed ? kDone : kSomeFailed;
}

}  // namespace

Command check_command() {
  Command c;
  c.name = "check";
  c.synopsis = "[VARIANT ...] [--golden FILE ...]";
  c.summary = "holds variants against what they claim, and heed against reference numbers";
  c.details =
      "Without words every variant goes through the conformance suite, for each choice of its options. With "
      "--golden alone\n"
      "the cases of the files are run instead: a miss, a number that is not finite or a case that heed does "
      "not know fails;\n"
      "cases of variants that heed does not have yet are skipped. Behind the verdict stands the largest "
      "error.\n\n"
      "    heed check window\n"
      "    heed check --golden tests/golden/softmax.h5";
  c.options.add_options()("golden",
                          po::value<std::vector<std::string>>()->multitoken()->value_name("FILE ..."),
                          "files of reference cases");
  c.arguments = {"variants..."};
  c.run = run;
  return c;
}

}  // namespace heed::cli
