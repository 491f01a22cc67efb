#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>
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

// Words in lines of at most 110 characters, set in under a row.
std::string set_in(const std::string& text) {
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + word.size() > 103) {
      out += "      " + line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + "      " + line + '\n';
}

// A row that fails has a mark in the margin, and its message below.
std::string row(const std::string& name, const char* verdict, double error, const std::string& message,
                bool failed) {
  std::string out =
      fmt::format("{} {:<32} {:<8} {:>8}", failed ? '!' : ' ', name, verdict, error_text(error));
  if (!failed) return out + (message.empty() ? "" : "  " + message) + '\n';
  out += '\n';
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) out += set_in(line);
  return out;
}

// ---- what is written about the checks

std::string summaries() {
  std::string out;
  for (const CheckInfo& c : all_checks()) out += fmt::format("\n  {:<20}{}", c.name, c.summary);
  return out;
}

// "batch-independence" and "batch independence" are the same.
CheckInfo find_check(std::string name) {
  std::ranges::replace(name, '-', ' ');
  std::vector<std::string> known;
  for (const CheckInfo& c : all_checks()) {
    if (c.name == name) return c;
    known.emplace_back(c.name);
  }
  throw UsageError(fmt::format("unknown check '{}'.{}", name, suggestion(name, known)));
}

void explain(const std::string& name) {
  std::vector<CheckInfo> checks;
  if (name == "all")
    checks = all_checks();
  else
    checks = {find_check(name)};
  for (std::size_t i = 0; i < checks.size(); ++i)
    fmt::print("{}{}: {}\n\n{}", i == 0 ? "" : "\n", checks[i].name, checks[i].summary, checks[i].text);
}

// Once for each check that failed, in their order.
std::string advice(const std::set<std::string>& failed) {
  std::string out;
  for (const CheckInfo& c : all_checks())
    if (failed.contains(std::string(c.name))) out += fmt::format("    heed check --explain {}\n", c.name);
  if (failed.empty()) return "";
  return (failed.size() == 1
              ? "What is usually behind it, and how to find it:\n"
              : "What is usually behind it, and how to find it; begin with the first, others often "
                "follow from it:\n") +
         out;
}

// ---- the checks

// Rows appear as they come: some variants take many seconds.
bool check_variants(const std::vector<std::string>& wanted, const std::vector<std::string>& only,
                    const Registry& registry) {
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
  std::set<std::string> failed;
  ConformanceContext context{.positions = all_positions(registry), .only = only};
  context.report = [&](const CheckResult& r) {
    ++tally.counts[text(r.verdict)];
    if (r.verdict == Verdict::failed) failed.insert(r.check);
    fmt::print("{}", row(r.check, text(r.verdict), r.worst, r.message, r.verdict == Verdict::failed));
    std::fflush(stdout);
  };
  for (const VariantInfo* variant : variants)
    for (const Config& options : all_option_choices(*variant)) {
      fmt::print("{}\n", subject_text(*variant, options));
      run_conformance(*variant, options, context);
    }
  fmt::print("{}{}", tally.text(), advice(failed));
  return failed.empty();
}

bool check_files(const std::vector<std::string>& files, const Registry& registry) {
  Tally tally;
  bool passed = true;
  for (const std::string& file : files) {
    const GoldenReport report = check_golden(file, registry);
    fmt::print("{}\n", file);
    for (const GoldenResult& r : report.cases) {
      ++tally.counts[text(r.verdict)];
      const bool failed = r.verdict == GoldenVerdict::missed || r.verdict == GoldenVerdict::unknown;
      fmt::print("{}", row(r.name, text(r.verdict), r.largest_error, r.message, failed));
    }
    passed = passed && report.passed();
  }
  fmt::print("{}", tally.text());
  return passed;
}

int run(const Input& input, Registry& registry) {
  if (input.has("explain")) return explain(fmt::format("{}", fmt::join(input.all("explain"), " "))), kDone;
  const std::vector<std::string> variants = input.all("variants"), files = input.all("golden");
  std::vector<std::string> only;
  if (input.has("only")) only.emplace_back(find_check(input.get<std::string>("only")).name);
  bool passed = true;
  if (files.empty() || !variants.empty()) passed = check_variants(variants, only, registry);
  if (!files.empty()) passed = check_files(files, registry) && passed;
  return passed ? kDone : kSomeFailed;
}

}  // namespace

Command check_command() {
  Command c;
  c.name = "check";
  c.synopsis = "[VARIANT ...] [--only CHECK] [--explain CHECK] [--golden FILE ...]";
  c.summary = "holds variants against what they claim, and heed against reference numbers";
  c.details =
      "Without words every variant goes through the conformance suite, for each choice of its options. With "
      "--golden alone\n"
      "the cases of the files are run instead: a miss, a number that is not finite or a case that heed does "
      "not know fails;\n"
      "cases of variants that heed does not have yet are skipped. Behind the verdict stands the largest "
      "error; what failed\n"
      "has a '!' in the margin.\n\n"
      "    heed check window\n"
      "    heed check window --only gradient\n"
      "    heed check --explain causality\n"
      "    heed check --golden tests/golden/softmax.h5\n\n"
      "Checks, in the order in which they run and faults are worth repairing:" +
      summaries();
  c.options.add_options()  //
      ("explain", po::value<std::vector<std::string>>()->multitoken()->value_name("CHECK"),
       "what a check does, why, what usually fails and how to find it; 'all' prints all")  //
      ("only", po::value<std::string>()->value_name("CHECK"),
       "this check alone, as in --only batch-independence")  //
      ("golden", po::value<std::vector<std::string>>()->multitoken()->value_name("FILE ..."),
       "files of reference cases");
  c.arguments = {"variants..."};
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
