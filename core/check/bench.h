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

// The circumstances that a variant is tried in.
struct Setup {
  Index batch = 2, time = 5, heads = 1, dim = 6;
  // Self-attention: the context is x itself. Else another sequence, of these measures.
  bool cross = false;
  Index context_time = 0, context_dim = 0;
  Causality causality = {};
  const PositionInfo* position = nullptr;  // with its default options
  bool neighbors = false;                  // parameters of others stand before and after the variant's own

  Index keys() const { return cross ? context_time : time; }
  std::string text() const;  // "causal, batch 2, time 5, heads 1, dim 6"
};

// Normal numbers of a named stream, rounded to S.
template <class S>
Matrix<S> normal_matrix(Index rows, Index cols, std::uint64_t seed, std::string_view name,
                        double deviation = 1);

// What a pass reads and writes. In self-attention the context is x and dcontext is dx.
template <class S>
struct Tensors {
  Seq<const S> x, context, dy;
  Seq<S> y, dx, dcontext;
};

// What parameters of others are called.
constexpr std::string_view kNeighbors = "neighbors.";

// A variant built for a setup, with random parameters, inputs and an upstream gradient. The numbers depend on
// the setup and the seed alone, not on S: a float bench holds the rounded numbers of the double one.
// Parameters are moved well away from their start, where most gradients would be next to nothing. Memory that
// was not written reads as NaN. Building throws heed::Error where the variant refuses the setup, and so may
// forward.
template <class S>
class Bench {
 public:
  Bench(const VariantInfo& info, const Config& options, const Setup& setup, int threads = 1,
        std::uint64_t seed = 1);

  void forward();   // forgets the forward before
  void backward();  // adds; belongs to the latest forward
  void run();       // gradients zeroed, forward, backward
  S loss();         // <upstream, y> of a new forward

  // The tensors below, or as much of their beginning as belongs to the first sequences, cut after as many
  // positions.
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
