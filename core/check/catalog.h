#pragma once

#include <span>

#include "core/check/plans.h"

namespace heed::check {

// A check: its description, its code and its sizes.
struct Check {
  CheckInfo about;
  Finding (*find)(const Subject&, const Setup&);
  Plan (*plan)(const Subject&, const Traits&);
};

// Returns all checks in the order in which they run. Fix errors in this order.
std::span<const Check> catalog();

}  // namespace heed::check
