#pragma once

#include <span>

#include "core/check/plans.h"

namespace heed::check {

// All that is known of a check.
struct Check {
  CheckInfo about;
  Finding (*find)(const Subject&, const Setup&);
  Plan (*plan)(const Subject&, const Traits&);
};

// In the order in which they run, which is the order in which faults are worth repairing.
std::span<const Check> catalog();

}  // namespace heed::check
