#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/sweep/setting.h"

namespace heed {

// One entry of the `variants` list after crossing, with resolved options.
struct VariantEntry {
  std::string label;              // "window(size=8)", or as given; different for each entry
  std::vector<Choice> attention;  // one, or a stack
  std::string path;               // "variants[2].window", for messages
  Place place;                    // of the name
  // Earlier stages of a growth, with their training steps. last_steps: of the last stage; 0: the rest.
  struct Earlier {
    Choice attention;
    Index steps;
  };
  std::vector<Earlier> grow = {};
  Index last_steps = 0;
  std::vector<std::string> shown = {};  // options of `attention` that the label shows
  std::vector<Setting> settings = {};   // of this variant only, in the order of their paths
  std::string setting = {};             // those of them that the label does not show: "lr=0.001"

  std::string own_key() const;  // a text that is equal for equal settings
};

// Reads a list of `softmax`, `{window: {size: 8}}`, `{stack: [softmax, {window: {size: 8}}]}` and
// `{grow: [{tokenformer: {tokens: 16}, steps: 500}, {tokenformer: {tokens: 64}}]}`. Options whose values
// are lists are crossed, for that entry only; for an option that takes a list, a list of lists is crossed. A
// key `label` beside the variant names its rows; other keys there, `train.lr: [0.001, 0.002]`, are settings
// of this variant only, and lists are crossed. Entries with errors are left out.
std::vector<VariantEntry> read_variants(const Config& tree, const Registry& registry, Problems& problems);

// Returns true if `name` is this entry's label, or the name of one of its variants.
bool is_called(const VariantEntry& variant, const std::string& name);

}  // namespace heed
