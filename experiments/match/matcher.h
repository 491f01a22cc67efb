#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/match/estimate.h"
#include "experiments/match/knob.h"
#include "experiments/match/match.h"
#include "experiments/match/measured_search.h"
#include "experiments/match/step_times.h"
#include "experiments/sweep/variant_list.h"

namespace heed {

// Moves each variant's knob until its trial comes as near to the reference's as can be. Equal shapes are
// solved once.
class Matcher {
 public:
  // Where a budget must be measured, `times` has what was, and gets what is; without it, as where a file is
  // checked alone, nothing is measured and nothing moved. REQUIRES: match.on(); `variants` has
  // match.options.reference
  Matcher(const Match& match, const std::vector<VariantEntry>& variants, const Registry& registry,
          StepTimes* times, Problems& problems);

  struct Solution {
    TrialConfig trial;
    Matched matched;
  };
  // The variant's trial at a point of the sweep. What cannot be met goes to the problems, with what was
  // tried; then nothing is returned. `setting`: what the point sets, for messages.
  std::optional<Solution> operator()(const TrialConfig& point, const VariantEntry& variant,
                                     const std::string& setting);

 private:
  struct Answer {
    std::optional<Knob> knob;  // none: as it is
    Matched matched;
  };
  std::optional<Answer> solve(const TrialConfig& point, const VariantEntry& variant,
                              const std::string& setting);
  std::optional<Answer> by_formula(const TrialConfig& point, const VariantEntry& variant,
                                   const std::string& setting);
  std::optional<Answer> by_measuring(const TrialConfig& point, const VariantEntry& variant,
                                     const std::string& setting);
  // What moves, and between which values.
  struct Moving {
    Knob knob;
    Index first, last;
  };
  std::optional<Moving> moving(const TrialConfig& trial, const VariantEntry& variant);
  Index own_size(const TrialConfig& point, const VariantEntry& variant, const TrialConfig& trial,
                 const Moving& moving);
  std::optional<double> formula(const TrialConfig& trial, const std::string& budget);
  double step_time_of(const TrialConfig& reference, const std::string& setting);
  // What the file says should be moved; null where there is no such thing.
  const Knob* wanted(const TrialConfig& trial, const std::vector<Knob>& knobs) const;
  // No feed-forward, where nothing was named, or only what the sweep compares by?
  bool has_nothing_to_move(const TrialConfig& trial, const VariantEntry& variant) const;
  std::optional<Knob> knob_for(const TrialConfig& trial, const VariantEntry& variant);
  bool can_grow(const TrialConfig& trial) const;
  std::string shape_of(const TrialConfig& trial) const;
  void refuse(const TrialConfig& trial, const Knob& knob, double target, const std::vector<Try>& tries,
              const std::string& setting);
  bool is_met(const Matched& matched) const {
    return std::abs(matched.mismatch()) <= match_.options.tolerance;
  }

  const Match& match_;
  const VariantEntry* reference_ = nullptr;
  const Registry& registry_;
  StepTimes* times_;
  Problems& problems_;
  Estimator estimator_;
  std::set<std::string> said_;                            // of timings that failed
  std::map<std::string, std::optional<Answer>> answers_;  // by variant and shape
};

}  // namespace heed
