#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/estimate.h"
#include "experiments/integer_search.h"
#include "experiments/knob.h"
#include "experiments/match.h"
#include "experiments/variant_list.h"

namespace heed {

// Moves each variant's knob until its trial comes as near to the reference's as can be. Equal shapes are
// solved once.
class Matcher {
 public:
  // REQUIRES: match.on(); `variants` has match.options.reference
  Matcher(const Match& match, const std::vector<VariantEntry>& variants, const Registry& registry,
          Problems& problems);

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
  std::optional<Knob> knob_for(const TrialConfig& trial);
  bool can_grow(const TrialConfig& trial) const;
  std::optional<double> measure(const TrialConfig& trial);  // nothing where it cannot be built
  std::string shape_of(const TrialConfig& point, const VariantEntry& variant) const;
  void refuse(const TrialConfig& trial, const Knob& knob, double target, const std::vector<Try>& tries,
              const std::string& setting);

  const Match& match_;
  const VariantEntry* reference_ = nullptr;
  const Registry& registry_;
  Problems& problems_;
  Estimator estimator_;
  std::map<std::string, std::optional<Answer>> answers_;  // by shape
};

}  // namespace heed
