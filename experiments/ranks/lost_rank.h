#pragma once

#include "core/error.h"

namespace heed {

// A message to or from another rank failed, mostly because that rank has ended. So this is a consequence, not
// the reason why a trial ends.
class LostRank : public Error {
 public:
  using Error::Error;
};

}  // namespace heed
