#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/limits.h"
#include "experiments/sweep/match.h"
#include "experiments/sweep/setting.h"
#include "experiments/sweep/stop_section.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/budget.h"
#include "experiments/trial/compare_options.h"
#include "experiments/trial/trial_config.h"

namespace heed {

struct PlannedTrial {
  TrialConfig config;
  std::string id = {};
  std::string setting = {};  // the swept parameters except variant and seed: "lr=0.001 length=64"
  Matched matched = {};      // how it meets the sweep's budget, if there is one
};

// A point of the sweep, resolved; its trial has no variant and no seed yet.
struct SweepPoint {
  TrialConfig trial;
  std::string setting;
  TaskKey task;
  std::vector<Setting> set = {};                // by this point, as the file gives it
  std::map<std::string, TrialConfig> own = {};  // with the settings of one variant, by their own_key()

  // Returns the trial with the settings of this variant; null if they are wrong.
  const TrialConfig* find(const VariantEntry& variant) const;
  // Requires: the settings are right.
  const TrialConfig& at(const VariantEntry& variant) const { return *find(variant); }
};

// Returns what a point and the settings of a variant set: "length=64 lr=0.001".
std::string row_setting(const SweepPoint& point, const VariantEntry& variant);

// A sweep file, checked and expanded.
struct Sweep {
  std::string name;
  CompareOptions compare;
  Match match;
  Limits limits;
  std::vector<VariantEntry> variants;
  std::vector<SweepPoint> points;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> notes;    // for the user, each a sentence
  std::vector<PlannedTrial> trials;  // in plan order: seeds, then points, then variants (fastest)
  std::optional<Stop> stop;          // the rule that ends trials early, if there is one
};

// Expands a sweep file's tree. Checks everything that can be known before a trial starts, and builds each
// model (without memory for its parameters). Adds all mistakes to `problems`; the sweep is then incomplete.
// Equal trials appear once. The result depends on the arguments only: reading a sweep starts no process,
// reads no clock and writes nothing. A budget (compare.match) is read, not met: see fit_budgets.
Sweep read_sweep(Config tree, const std::string& default_name, const Registry& registry, Problems& problems);

// Returns the trials in plan order. The variants change fastest and the seeds slowest, so that the comparison
// of a sweep that is still running has every variant, and grows evenly. `resolve` returns the configuration
// of a variant at a point, or nullopt if there is none; it is called once for all seeds. Adds a problem for
// rows that train the same under another label.
using ResolveTrial = std::function<std::optional<PlannedTrial>(const SweepPoint&, const VariantEntry&)>;
std::vector<PlannedTrial> plan_trials(const Sweep& sweep, const ResolveTrial& resolve, Problems& problems);

}  // namespace heed
