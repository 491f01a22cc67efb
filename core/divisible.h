#pragma once

#include <memory>
#include <string_view>

#include "core/context_split.h"
#include "core/head_kernel.h"
#include "core/layer.h"

namespace heed {

// Interfaces that a layer or a kernel may have besides its own: it can run on one rank's part of each
// sequence (docs/context-parallelism.md). Others need all positions of a sequence.

template <class S>
class DivisibleLayer {
 public:
  virtual ~DivisibleLayer() = default;
  virtual Splits splits() const = 0;  // what it claims with its options
  // From now on x, y and their gradients are this rank's parts, and parameters have the gradients of this
  // part only: their sum over all ranks is that of the sequence. Self-attention only. Requires: `parallel`
  // has a split that splits() allows, and outlives the layer.
  virtual void divide(const ContextParallel& parallel) = 0;
  // Returns what all ranks together send for one sequence, forward and backward; 0 before divide().
  virtual double exchanged_bytes(Index length) const = 0;
};

template <class S>
class DivisibleKernel {
 public:
  virtual ~DivisibleKernel() = default;
  virtual Splits splits() const = 0;
  // Returns a kernel with the same parameters that runs on this rank's part. Requires: as divide().
  virtual std::unique_ptr<HeadKernel<S>> divided(const ContextParallel& parallel) const = 0;
  // Of a divided kernel: as DivisibleLayer's.
  virtual double exchanged_bytes(Index length) const { return (void)length, 0; }
};

// Returns what a layer claims; none if it has no such interface.
template <class S>
Splits splits_of(const Layer<S>& layer) {
  const auto* const divisible = dynamic_cast<const DivisibleLayer<S>*>(&layer);
  return divisible ? divisible->splits() : Splits::none;
}
template <class S>
Splits splits_of(const HeadKernel<S>& kernel) {
  const auto* const divisible = dynamic_cast<const DivisibleKernel<S>*>(&kernel);
  return divisible ? divisible->splits() : Splits::none;
}

template <class S>
double exchanged_bytes_of(const HeadKernel<S>& kernel, Index length) {
  const auto* const divisible = dynamic_cast<const DivisibleKernel<S>*>(&kernel);
  return divisible ? divisible->exchanged_bytes(length) : 0;
}

// Throws: heed::Error with the variant's name unless it claims the split.
void require_split(std::string_view variant, Splits claimed, const ContextSplit& split);

// Divides a layer. Throws: heed::Error with the variant's name if it cannot be divided in this way.
template <class S>
void divide(std::string_view variant, Layer<S>& layer, const ContextParallel& parallel) {
  require_split(variant, splits_of(layer), parallel.split);
  dynamic_cast<DivisibleLayer<S>&>(layer).divide(parallel);
}
template <class S>
std::unique_ptr<HeadKernel<S>> divided(std::string_view variant, const HeadKernel<S>& kernel,
                                       const ContextParallel& parallel) {
  require_split(variant, splits_of(kernel), parallel.split);
  return dynamic_cast<const DivisibleKernel<S>&>(kernel).divided(parallel);
}

}  // namespace heed
