#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check/conformance.h"
#include "core/check/result_table.h"
#include "experiments/cli/command.h"

namespace heed::cli {
namespace {

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

// Why a name cannot be checked: it belongs to something else, or to nothing.
std::string refuse_name(const std::string& name, const Registry& registry) {
  const std::string kind = registry.kind_of(name);
  if (kind == "a kind of position")
    return fmt::format(
        "'{}' is {}. Check an attention variant, such as softmax: it is checked with every kind.", name,
        kind);
  if (!kind.empty())
    return fmt::format(
        "'{}' is {}. Only variants can be checked: attention and feed-forwards, which `heed "
        "list` names; for a plugin's variant, add --plugin FILE.so.",
        name, kind);
  for (const CheckInfo& c : all_checks())
    if (c.name == name) return fmt::format("'{0}' is a check. Write `heed check VARIANT --only {0}`.", name);
  return fmt::format("unknown variant '{}'.{}", name, suggestion(name, names(registry.variants())));
}

// Rows appear as they come: some variants take many seconds.
bool check_variants(const std::vector<std::string>& wanted, const std::vector<std::string>& only,
                    const Registry& registry) {
  std::vector<const VariantInfo*> variants;
  for (const std::string& name : wanted) {
    const VariantInfo* found = registry.find_variant(name);
    if (!found) throw UsageError(refuse_name(name, registry));
    variants.push_back(found);
  }
  if (wanted.empty())
    for (const VariantInfo& v : registry.variants()) variants.push_back(&v);

  Tally tally;
  std::set<std::string> failed;
  ConformanceContext context{.positions = all_positions(registry), .only = only};
  context.report = [&](const CheckResult& r) {
    ++tally.counts[to_string(r.verdict)];
    if (r.verdict == Verdict::failed) failed.insert(r.check);
    fmt::print("{}",
               result_row(r.check, to_string(r.verdict), r.worst, r.message, r.verdict == Verdict::failed));
    std::fflush(stdout);
  };
  for (const VariantInfo* variant : variants)
    for (const Config& options : all_option_choices(*variant)) {
      fmt::print("{}\n", subject_text(*variant, options));
      run_conformance(*variant, options, context);
    }
  fmt::print("{}{}", tally.to_string(), advice(failed));
  return failed.empty();
}

int run(const Input& input, Registry& registry) {
  if (input.has("explain")) return explain(fmt::format("{}", fmt::join(input.all("explain"), " "))), kDone;
  std::vector<std::string> only;
  if (input.has("only")) only.emplace_back(find_check(input.get<std::string>("only")).name);
  return check_variants(input.all("variants"), only, registry) ? kDone : kSomeFailed;
}

}  // namespace

Command check_command() {
  Command c;
  c.name = "check";
  c.synopsis = "[VARIANT ...] [--only CHECK] [--explain CHECK]";
  c.summary = "check variants against what they claim";
  c.details =
      "Runs the conformance checks for every variant, or only for those named, with each choice of their "
      "options. A row\n"
      "shows the verdict and the largest error. A failed row is marked with '!'.\n"
      "\n"
      "    heed check window\n"
      "    heed check window --only gradient\n"
      "    heed check --explain causality\n"
      "\n"
      "Checks, in the order in which they run. Fix errors in this order:" +
      summaries();
  c.options.add_options()  //
      ("explain", po::value<std::vector<std::string>>()->multitoken()->value_name("CHECK"),
       "what a check does, why, usual errors and how to find them; 'all' prints all")  //
      ("only", po::value<std::string>()->value_name("CHECK"),
       "only this check, as in --only batch-independence");
  c.arguments = {"variants..."};
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
