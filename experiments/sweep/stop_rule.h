#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "core/index.h"
#include "core/options.h"

namespace heed {

// The section `sweep.stop` of a sweep file: when trials end before their last step (docs/sweeps.md).
struct StopRule {
  std::string rule = "halving";
  double factor = 3;
  Index after = 0;
  std::string metric = "final_validation_loss";
  bool wait = true;
  void describe(auto& option) {
    option("rule", rule,
           {.choices = {"halving", "median", "plateau"}, .doc = "which of the competing trials stop"});
    option("factor", factor, {.min = 2, .max = 100, .doc = "halving: one of this many goes on at a rung"});
    option("after", after, {.min = 1, .doc = "training steps before the first rung"});
    option("metric", metric,
           {.choices = {"final_validation_loss", "final_validation_accuracy"},
            .doc = "what competing trials are compared by, at equal steps"});
    option("wait", wait, {.doc = "stop none as long as all competing trials are at the level of guessing"});
  }

  // Returns true if the first validation after step `previous` is at `step` and a rung is between them, or
  // at `step`. Rungs are after, after * factor, after * factor^2 ... (halving), after, 2 * after, 3 * after
  // ... (median), or only `after` (plateau).
  bool is_rung(Index previous, Index step) const;
};

// The validations of a trial until a rung.
struct RungResult {
  double value = 0;         // of the rule's metric, at the rung
  double best = 0;          // of all validations so far
  double average = 0;       // of all validations so far
  bool on_plateau = false;  // none has left the level of guessing (plateau_step)
};

struct Decision {
  bool stop = false;
  std::string reason;  // "halving: final_validation_loss 2.31 is number 5 of 6; the best 2 go on"
};

// Decides whether a trial stops at a rung. others: the competing trials that reached the same rung before.
// The decision depends on the arguments only, and not on the order of `others`. With rule.wait, no trial
// stops as long as all are on their plateau.
Decision decide(const StopRule& rule, const RungResult& own, std::span<const RungResult> others);

}  // namespace heed
