#pragma once

#include "core/index.h"

namespace heed {

// A property of a task, as those in core/task_traits.h: the positions of its input are the rows of a grid,
// one after the other, as the patches of an image are.
class GridTraits {
 public:
  virtual ~GridTraits() = default;
  virtual Index columns() const = 0;  // positions in a row
};

}  // namespace heed
