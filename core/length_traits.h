#pragma once

#include "core/index.h"

namespace heed {

// A property of a task, as those in core/task_traits.h: validation and test may have longer sequences than
// the training.
class LengthTraits {
 public:
  virtual ~LengthTraits() = default;
  virtual Index trained_length() const = 0;  // of the longest sequence of the training
  virtual Index trained_source_length() const = 0;
  virtual Index longest_length() const = 0;  // of all splits
  virtual Index longest_source_length() const = 0;
};

}  // namespace heed
