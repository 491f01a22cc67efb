#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/budget/measured_search.h"
#include "experiments/budget/option_choice.h"
#include "experiments/budget/step_times.h"
#include "experiments/budget/tunable.h"
#include "experiments/sweep/match.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/estimate.h"

namespace heed {

// Changes each variant's tunable option until its trial is as near to the reference's as possible. Equal
// shapes are solved once.
class Matcher {
 public:
  // `times` has earlier measurements and stores new ones. If it is null, budgets of step times are neither
  // measured nor adjusted (as when a file is only checked). Requires: match.on(), and `variants` contains
  // match.options.reference.
  Matcher(const Match& match, const std::vector<VariantEntry>& variants, const Registry& registry,
          StepTimes* times, Problems& problems);

  struct Solution {
    TrialConfig trial;
    Matched matched;
  };
  // Returns the variant's trial at a point of the sweep. If the budget cannot be met, adds a problem with
  // the values that were tried, and returns nullopt. If the reference has several values of a setting of its
  // own, the first is the budget.
  std::optional<Solution> operator()(const SweepPoint& point, const VariantEntry& variant);

 private:
  struct Answer {
    std::optional<Tunable> tunable;  // nullopt: unchanged
    Matched matched;
  };
  std::optional<Answer> solve(const TrialConfig& point, const VariantEntry& variant,
                              const std::string& setting);
  std::optional<Answer> by_formula(const TrialConfig& point, const VariantEntry& variant,
                                   const std::string& setting);
  std::optional<Answer> by_measuring(const TrialConfig& point, const VariantEntry& variant,
                                     const std::string& setting);
  Index own_size(const TrialConfig& point, const VariantEntry& variant, const TrialConfig& trial,
                 const SearchRange& range);
  std::optional<double> formula(const TrialConfig& trial, const std::string& budget);
  double step_time_of(const TrialConfig& reference, const std::string& setting);
  bool can_grow(const TrialConfig& trial) const;
  std::string shape_of(const TrialConfig& trial) const;
  bool changes_budget(const TrialConfig& point, const VariantEntry& variant, const Tunable& tunable);
  void refuse(const TrialConfig& point, const VariantEntry& variant, const Tunable& tunable, double target,
              const std::vector<Try>& tries, const std::string& setting);
  bool is_reference(const VariantEntry& variant) const { return variant.label == reference_->label; }
  bool is_met(const Matched& matched) const {
    return std::abs(matched.mismatch()) <= match_.options.tolerance;
  }

  const Match& match_;
  const VariantEntry* reference_ = nullptr;
  TrialConfig reference_trial_;  // at the point that is solved
  const Registry& registry_;
  StepTimes* times_;
  Problems& problems_;
  Estimator estimator_;
  std::set<std::string> reported_;                        // messages of failed timings, each reported once
  std::map<std::string, std::optional<Answer>> answers_;  // by variant and shape
};

}  // namespace heed
