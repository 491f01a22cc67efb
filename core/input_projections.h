#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/head_kernel.h"
#include "core/ops/linear.h"

namespace heed {

// The linear maps of a mixer's inputs: input_n = x W_n on the query side, context W_n on the key side.
// A map with a rank is a product of two: its parameters are <name>.down.weight and <name>.up.weight.
template <class S>
class InputProjections {
 public:
  InputProjections() = default;  // of a mixer without inputs
  InputProjections(std::span<const MixerInput> inputs, Index heads, const LayerSpec<S>& spec,
                   Params<S>& params);

  // Returns the inputs of all heads. They are valid until backward has run. A sequence of width 0 is left
  // out: the inputs of its side are then empty.
  std::span<const Heads<const S>> forward(Step<S>& step, Seq<const S> x, Seq<const S> context);

  // Returns room for the gradients of the inputs, all zero, in temp memory.
  std::span<const Heads<S>> zero_grads(Memory<S>& memory);
  // Reads the gradients that were added into zero_grads(), and adds into dx, dcontext and the gradients of
  // the maps.
  void backward(Step<S>& step, Seq<S> dx, Seq<S> dcontext);

  std::size_t count() const { return maps_.size(); }
  double flops(Index tq, Index tk) const;  // of one sequence

 private:
  struct Map {
    std::optional<Linear<S>> down;  // to MixerInput::rank numbers, before `linear`
    Linear<S> linear;
    Side side;
    Index rank, width;  // width: of all heads together
  };

  Index heads_ = 0;
  std::vector<Map> maps_;
  std::vector<Seq<S>> grads_;
  // of the latest pass
  std::vector<Heads<const S>> values_of_heads_;
  std::vector<Heads<S>> grads_of_heads_;
};

extern template class InputProjections<float>;
extern template class InputProjections<double>;

}  // namespace heed
