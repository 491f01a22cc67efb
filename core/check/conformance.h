#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/registry.h"

namespace heed {

enum class Verdict { passed, failed, skipped };
const char* to_string(Verdict verdict);

// What a user can read about a check.
struct CheckInfo {
  std::string_view name;     // "causality"
  std::string_view summary;  // what it ensures, in a few words
  std::string_view text;     // what it does, why, usual errors, how to find them
};

std::vector<CheckInfo> all_checks();  // in the order in which they run

// One check of one variant with one choice of options.
struct CheckResult {
  std::string check;    // "gradient": a name of all_checks()
  std::string subject;  // "window size=4": the variant and the options that are not at their default
  Verdict verdict = Verdict::passed;
  std::string message;  // what failed and in which setup, and on a second line the usual cause; or why it was
                        // skipped; empty if it passed
  double worst = 0;     // the largest error, for checks that measure one
};

struct ConformanceContext {
  std::vector<const PositionInfo*> positions = {};  // tried besides none, if they act on a layer
  std::function<std::size_t()> heap_allocations =
      {};  // counts calls so far; without it, only the arenas' bytes are checked
  std::function<void(const CheckResult&)> report = {};  // called with each result
  std::vector<std::string> only = {};                   // the checks to run; empty: all
};

// Runs every check on a variant. `options`: resolved. A check of something that the variant does not claim
// (VariantInfo::traits) is skipped, with the reason. A claim fails if the variant refuses every setup for it.
std::vector<CheckResult> run_conformance(const VariantInfo& info, const Config& options,
                                         const ConformanceContext& context = {});

// Returns the choices of options that the suite runs. They are: the defaults; each other value of each
// enumerated option (a string with choices, a boolean), the rest at default; and each integer at its minimum,
// and at 1 if the minimum is 0, because the checked sequences are too short for most defaults to matter.
// Choices that the variant refuses are left out.
std::vector<Config> all_option_choices(const VariantInfo& info);

// Returns the variant with the options that are not at their default: "window", "window size=4 rope=true".
std::string subject_text(const VariantInfo& info, const Config& options);

// Returns every registered position, for ConformanceContext.
std::vector<const PositionInfo*> all_positions(const Registry& registry);

}  // namespace heed
