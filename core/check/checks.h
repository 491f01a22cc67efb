#pragma once

#include <string>

#include "core/check/bench.h"
#include "core/check/conformance.h"

namespace heed::check {

// What is being checked.
struct Subject {
  const VariantInfo& info;
  const Config& options;
  const ConformanceContext& context;
};

// What a check found in one setup. An empty fault: nothing wrong.
struct Finding {
  std::string fault = {};
  double worst = 0;
  std::string hint = {};  // whole sentences: what usually is behind such a fault
};

// Each throws heed::Error where the variant refuses the setup.

// Nothing is written outside of y, dx, dcontext and the gradients of the own parameters; nothing outside of
// x, the context and dy is read.
Finding bounds(const Subject&, const Setup&);

// float64, loss = <random upstream, y>: every coordinate of every parameter, of x and of the context against
// central differences.
Finding gradient(const Subject&, const Setup&);
// Given a context that equals x, cross-attention is self-attention. REQUIRES: a setup without a context.
Finding context_of_itself(const Subject&, const Setup&);

// Outputs before t keep their bits when position t changes, and a loss on them gives t a gradient of exactly
// zero. With a context of its own it is the context that changes.
Finding causality(const Subject&, const Setup&);
// The same where each position must be by itself.
Finding positions_apart(const Subject&, const Setup&);
// Permuting time permutes output and gradients.
Finding permutation(const Subject&, const Setup&);

// A sequence gives the same bits alone and among others.
Finding batch_independence(const Subject&, const Setup&);
// A pass and ten training steps give the same bits for 1, 2 and 5 threads.
Finding threads(const Subject&, const Setup&);
// Nothing of a pass is left behind for the next, of another length neither; a second backward adds the same
// again.
Finding repeat(const Subject&, const Setup&);
// All that a layer is lies in its parameters: their bytes make another instance the same.
Finding save_and_load(const Subject&, const Setup&);

Finding float_and_double(const Subject&, const Setup&);
// Scores around 1e4, identical keys, all zeros: finite outputs and gradients in float and double.
Finding numbers(const Subject&, const Setup&);
// The second step takes nothing from the heap.
Finding memory(const Subject&, const Setup&);
// A position that acts on layers changes the output (or the variant refuses it). REQUIRES: a position.
Finding position_matters(const Subject&, const Setup&);
// Weights asked for on a probe are finite, zero where hidden, and leave the pass as it is.
Finding weights(const Subject&, const Setup&);
bool shows_weights(const Subject&, const Setup&);
// The formula of the cost: finite, growing with the lengths, and not below what a pass multiplies. REQUIRES:
// a setup in which no pair is hidden.
Finding cost(const Subject&, const Setup&);

}  // namespace heed::check
