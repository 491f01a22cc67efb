#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/index.h"
#include "core/registry.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// An integer option of a trial that can be changed until a budget is met.
struct Tunable {
  enum class Part { attention, feed_forward, model, train };
  Part part;
  // As in an override: "variants.tokenformer.tokens", "model.feed_forward.mlp.width", "train.steps".
  std::string path;
  OptionText text;  // its range

  std::string name() const { return path.substr(path.rfind('.') + 1); }
};

// Returns the tunable options of a trial: the integer options of its attention (of any layer of a stack), of
// the feed-forward unless the attention brings its own, of the model, and the length of the training.
std::vector<Tunable> tunables_of(const TrialConfig& trial, const Registry& registry);

// Returns the default: the size of the feed-forward (OptionText::size), either the model's or the variant's
// own. Null if there is none.
const Tunable* default_tunable(const std::vector<Tunable>& tunables);

// Finds an option by its path or the end of it: "tokens", "mlp.width". Null if there is none.
const Tunable* find_tunable(const std::vector<Tunable>& tunables, const std::string& name);

// Returns the option's value; 0 often means a default that follows from other options. Requires: the trial
// has the option.
Index value_of(const Tunable& tunable, const TrialConfig& trial);

// Returns the trial of a variant at a point of the sweep with the option at another value: what a user would
// get by writing the value into the file. Nothing if the options refuse the value.
std::optional<TrialConfig> with_value(const TrialConfig& point, VariantEntry variant, const Tunable& tunable,
                                      Index value, const Registry& registry);

}  // namespace heed
