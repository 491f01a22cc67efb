#pragma once

#include <string>
#include <vector>

#include "core/check/checks.h"

namespace heed::check {

// The sizes and circumstances that a check runs in, or why it does not run.
struct Plan {
  std::vector<Setup> setups = {};
  std::string skip = {};        // not empty: the check is skipped for this reason
  bool may_refuse_all = false;  // a variant that refuses every setup is right, too
};

// Sizes are awkward: odd, smaller than any block, one head and several. Each of these functions gives what
// the traits claim; where nothing is claimed, why it is skipped.
namespace plans {

Plan self_attention(const Subject&, const Traits&);  // positions included
Plan everything(const Subject&, const Traits&);      // self-attention and cross-attention
Plan cross_attention(const Subject&, const Traits&);
Plan cross_attention_of_itself(const Subject&, const Traits&);  // for a copy of x as the context
Plan positions_apart(const Subject&, const Traits&);
Plan causal(const Subject&, const Traits&);
Plan permutable(const Subject&, const Traits&);
Plan several_tasks(const Subject&, const Traits&);  // few, at a length that is cut into several tasks
Plan each_position(const Subject&, const Traits&);
Plan shown_weights(const Subject&, const Traits&);
Plan one_position(const Subject&, const Traits&);  // where nothing is hidden

}  // namespace plans
}  // namespace heed::check
