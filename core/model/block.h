#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/layer.h"
#include "core/ops/norm.h"

namespace heed {

// A pre-norm block:   h = x + attention(norm1(x));   y = h + feed_forward(norm2(h)).
// Without a feed-forward y = h. Dropout applies to what attention and feed-forward return. Parameters are
// named norm1, attention, norm2, feed_forward.
template <class S>
class Block {
 public:
  // Makes one of the block's layers; called while the slot's scope is open.
  using MakeSlot = std::function<std::unique_ptr<Layer<S>>()>;

  // feed_forward may be empty
  Block(Index dim, const NormSpec& norm, const MakeSlot& attention, const MakeSlot& feed_forward,
        Params<S>& params);

  void forward(Step<S>& step, Seq<const S> x, Seq<S> y);     // x stays in place until backward
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx);  // adds

  Layer<S>& attention() { return *attention_; }
  Cost cost(Index time) const;  // of one sequence

 private:
  Norm<S> norm1_;
  std::unique_ptr<Layer<S>> attention_;
  std::optional<Norm<S>> norm2_;
  std::unique_ptr<Layer<S>> feed_forward_;
  std::string attention_name_, feed_forward_name_;  // of their dropout
  Seq<S> normed1_, normed2_;                        // of the latest forward
};

extern template class Block<float>;
extern template class Block<double>;

}  // namespace heed
