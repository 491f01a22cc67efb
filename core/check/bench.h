#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/layer.h"
#include "core/params.h"
#include "core/registry.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// The sizes and conditions of a check.
struct Setup {
  Index batch = 2, time = 5, heads = 1, dim = 6;
  // false: self-attention, the context is x. true: another sequence of the sizes below.
  bool cross = false;
  Index context_time = 0, context_dim = 0;
  Causality causality = {};
  const PositionInfo* position = nullptr;  // with its default options
  bool neighbors = false;                  // other parameters before and after the variant's own
  double dropout = 0;                      // of attention weights

  Index keys() const { return cross ? context_time : time; }
  std::string to_string() const;  // "causal, batch 2, time 5, heads 1, dim 6"
};

// Returns normal numbers of a named stream, rounded to S.
template <class S>
Matrix<S> normal_matrix(Index rows, Index cols, std::uint64_t seed, std::string_view name, double stddev = 1);

// The tensors of a pass. In self-attention the context is x and dcontext is dx.
template <class S>
struct Tensors {
  Seq<const S> x, context, dy;
  Seq<S> y, dx, dcontext;
};

// Prefix of the names of those other parameters.
constexpr std::string_view kNeighbors = "neighbors.";

// A variant built for a setup, with random parameters, inputs and upstream gradient. The numbers depend
// only on the setup and the seed, not on S: a float bench has the rounded numbers of the double one.
// Noise is added to the initial parameters, because at those most gradients are nearly 0.
// Uninitialized memory contains NaN. Throws: heed::Error in the constructor or in forward if the variant
// refuses the setup.
template <class S>
class Bench {
 public:
  Bench(const VariantInfo& info, const Config& options, const Setup& setup, int threads = 1,
        std::uint64_t seed = 1);

  void forward();   // discards the previous forward
  void backward();  // of the latest forward; adds
  void run();       // zeroes gradients, then forward and backward
  S loss();         // <upstream, y> after a new forward

  // Views of the tensors below: whole, or only the first sequences and their first positions.
  Tensors<S> tensors();
  Tensors<S> beginning(Index batch, Index time, Index context_time);

  const Setup setup;
  Step<S> step;
  Params<S> params;
  std::unique_ptr<Position<S>> position;
  std::unique_ptr<Layer<S>> layer;
  Matrix<S> x, y, upstream, dx;  // (batch * time, dim)
  Matrix<S> context, dcontext;   // (batch * context_time, context_dim); empty in self-attention
};

extern template class Bench<float>;
extern template class Bench<double>;

}  // namespace heed
