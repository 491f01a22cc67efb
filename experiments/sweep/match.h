#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config.h"
#include "experiments/sweep/variant_list.h"

namespace heed {

// The section `compare.match`: every variant gets the same amount of one cost as the reference.
struct MatchOptions {
  std::string budget = "none", reference;
  double tolerance = 0.02;
  void describe(auto& option) {
    option("budget", budget,
           {.choices = {"none", "parameters", "train_flops", "state_bytes", "step_time"},
            .doc = "the cost that all variants match to the reference's"});
    option("reference", reference, {.doc = "the variant to match; default: compare.reference"});
    option("tolerance", tolerance, {.min = 0, .max = 1, .doc = "largest relative mismatch"});
  }
};

struct Match {
  MatchOptions options;  // the reference is filled in
  std::map<std::string, std::string>
      adjust;  // the option to tune, by a variant's label, if the file names one
  std::map<std::string, Place> adjust_places;
  Place place;  // of the section

  bool on() const { return options.budget != "none"; }
};

// Reads `match` in the section `compare` (may be null). reference: used if `match` names none. Without the
// section, the budget is "none".
Match read_match(const Config* compare, const std::string& reference,
                 const std::vector<VariantEntry>& variants, Problems& problems);

}  // namespace heed
