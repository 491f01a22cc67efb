#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/budget/measured_search.h"
#include "experiments/budget/step_times.h"
#include "experiments/budget/tunable.h"
#include "experiments/sweep/match.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/estimate.h"

namespace heed {

// Changes each variant's tunable option until its trial is as near to the reference's as possible. Equal
// shapes are solved once.
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
    std::optional<Tunable> tunable;  // none: as it is
    Matched matched;
  };
  std::optional<Answer> solve(const TrialConfig& point, const VariantEntry& variant,
                              const std::string& setting);
  std::optional<Answer> by_formula(const TrialConfig& point, const VariantEntry& variant,
                                   const std::string& setting);
  std::optional<Answer> by_measuring(const TrialConfig& point, const VariantEntry& variant,
                                     const std::string& setting);
  // The option that is changed, and between which values.
  struct SearchRange {
    Tunable tunable;
    Index first, last;
  };
  std::optional<SearchRange> search_range(const TrialConfig& trial, const VariantEntry& variant);
  Index own_size(const TrialConfig& point, const VariantEntry& variant, const TrialConfig& trial,
                 const SearchRange& range);
  std::optional<double> formula(const TrialConfig& trial, const std::string& budget);
  double step_time_of(const TrialConfig& reference, const std::string& setting);
  // Returns what the file says should be changed; null if there is no such option.
  const Tunable* wanted(const TrialConfig& trial, const std::vector<Tunable>& tunables) const;
  // Is there no option to change? (No feed-forward where none was named, or only what the sweep compares.)
  bool has_nothing_to_tune(const TrialConfig& trial, const VariantEntry& variant) const;
  std::optional<Tunable> tunable_for(const TrialConfig& trial, const VariantEntry& variant);
  bool can_grow(const TrialConfig& trial) const;
  std::string shape_of(const TrialConfig& trial) const;
  void refuse(const TrialConfig& trial, const Tunable& tunable, double target, const std::vector<Try>& tries,
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
  std::set<std::string> reported_;                        // messages of timings that failed
  std::map<std::string, std::optional<Answer>> answers_;  // by variant and shape
};

}  // namespace heed
