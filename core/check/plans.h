#pragma once

#include <string>
#include <vector>

#include "core/check/checks.h"

namespace heed::check {

// The sizes and conditions of a check, or the reason to skip it.
struct Plan {
  std::vector<Setup> setups = {};
  std::string skip = {};        // not empty: the check is skipped for this reason
  bool may_refuse_all = false;  // a variant that refuses every setup passes too
};

// Sizes are unusual: odd, smaller than any block, one head and several. Each function returns the setups
// that the traits claim, or the reason to skip if they claim none.
namespace plans {

Plan self_attention(const Subject&, const Traits&);  // positions included
Plan gradients(const Subject&, const Traits&);       // self-attention, at last with dropout
Plan everything(const Subject&, const Traits&);      // self-attention and cross-attention
// Also heads that are wider than a register, whose rows begin at other addresses in each sequence.
Plan sequences(const Subject&, const Traits&);
Plan cross_attention(const Subject&, const Traits&);
Plan cross_attention_of_itself(const Subject&, const Traits&);  // for a copy of x as the context
Plan positions_apart(const Subject&, const Traits&);
Plan causal(const Subject&, const Traits&);
Plan token_by_token(const Subject&,
                    const Traits&);           // causal self-attention, positions included; cross-attention
Plan divided(const Subject&, const Traits&);  // self-attention, positions included
Plan permutable(const Subject&, const Traits&);
Plan several_tasks(const Subject&,
                   const Traits&);  // few setups, at a length that is divided into several tasks
Plan each_position(const Subject&, const Traits&);
Plan shown_weights(const Subject&, const Traits&);
Plan default_options(const Subject&, const Traits&);  // any setup, once for all choices of options
Plan one_position(const Subject&, const Traits&);     // no pair is hidden

}  // namespace plans
}  // namespace heed::check
