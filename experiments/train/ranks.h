#pragma once

#include <span>

#include "core/communicator.h"

namespace heed {

// The ranks that train one model together (docs/context-parallelism.md), or one process that trains it. Rank
// 0 leads: it decides what depends on more than numbers, as files, signals and rules, and the others do the
// same.
class Ranks {
 public:
  explicit Ranks(Communicator* communicator = nullptr) : communicator_(communicator) {}

  Communicator* communicator() const { return communicator_; }  // null: one process
  bool leads() const { return !communicator_ || communicator_->rank() == 0; }

  // Returns rank 0's x.
  template <class T>
  T agreed(T x) const {
    share(std::span(&x, 1));
    return x;
  }
  // x becomes rank 0's.
  template <class T>
  void share(std::span<T> x) const {
    if (communicator_) communicator_->share(x);
  }
  // x becomes the sum over all ranks.
  template <class T>
  void sum(std::span<T> x) const {
    if (communicator_) communicator_->sum(x);
  }

 private:
  Communicator* communicator_;
};

}  // namespace heed
