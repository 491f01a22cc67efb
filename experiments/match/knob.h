#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/index.h"
#include "core/registry.h"
#include "experiments/sweep/trial_config.h"
#include "experiments/sweep/variant_list.h"

namespace heed {

// An integer of a trial's configuration that can be moved until a budget is met.
struct Knob {
  std::string path;  // "model.feed_forward.width", "attention.tokens", "model.dim", "train.steps"
  OptionText text;   // its range

  std::string name() const { return path.substr(path.rfind('.') + 1); }
};

// Those of a trial: the integer options of its attention (of any layer of a stack), of the feed-forward
// unless the attention brings its own, of the model, and the length of the training.
std::vector<Knob> knobs_of(const TrialConfig& trial, const Registry& registry);

// What moves where nobody says: the size of the feed-forward (OptionText::size), be it the model's or the
// variant's own. Null where there is none.
const Knob* default_knob(const std::vector<Knob>& knobs);

// By its path or the end of it: "tokens", "feed_forward.width". Null where there is none.
const Knob* find_knob(const std::vector<Knob>& knobs, const std::string& name);

// What it is set to; 0 often stands for a default that follows from other options. REQUIRES: the trial has it
Index value_of(const Knob& knob, const TrialConfig& trial);

// A variant at a point of the sweep, as the sweep file has it.
TrialConfig with_variant(const TrialConfig& point, const VariantEntry& variant, const Registry& registry,
                         Problems& problems);

// The same with a knob at another value: what a user would get who had written it into the file. Nothing
// where the options refuse the value.
std::optional<TrialConfig> with_knob(const TrialConfig& point, VariantEntry variant, const Knob& knob,
                                     Index value, const Registry& registry);

}  // namespace heed
