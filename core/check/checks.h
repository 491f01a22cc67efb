#pragma once

#include <string>

#include "core/check/bench.h"
#include "core/check/conformance.h"
#include "core/context_split.h"

namespace heed::check {

// The variant under test.
struct Subject {
  const VariantInfo& info;
  const Config& options;
  const ConformanceContext& context;
};

// The result of a check in one setup. An empty fault means passed.
struct Finding {
  std::string fault = {};
  double worst = 0;
  std::string hint = {};      // whole sentences: usual causes of such a fault
  bool in_any_setup = false;  // the fault is not one of this setup, so the message leaves the setup out
};

// Throws, each: heed::Error if the variant refuses the setup.

// A pass writes only y, dx, dcontext and the gradients of its own parameters, and reads only x, the
// context, dy and its parameters.
Finding bounds(const Subject&, const Setup&);

// In float64, with loss = <random upstream, y>, every coordinate of every parameter, of x and of the
// context agrees with central differences.
Finding gradient(const Subject&, const Setup&);
// With a context that equals x, cross-attention equals self-attention. Requires: a setup without a context.
Finding context_of_itself(const Subject&, const Setup&);

// Outputs before t keep their bits if position t changes, and a loss on them gives t a gradient of exactly
// zero. With a separate context, the context changes.
Finding causality(const Subject&, const Setup&);
// The same for layers that must not mix positions.
Finding positions_apart(const Subject&, const Setup&);
// Computed token by token, the output is that of the parallel pass, for every decoder of a layer. With a
// context, whose sequences then have different lengths, too.
Finding decoding(const Subject&, const Setup&);
// On 1 to 4 ranks, each with a part of every sequence, output and gradients are those of one rank.
Finding context_parallel(const Subject&, const Setup&);
Splits claimed_splits(const Subject&, const Setup&);
// Permuting time permutes output and gradients.
Finding permutation(const Subject&, const Setup&);

// A sequence gives the same bits by itself and in a batch.
Finding batch_independence(const Subject&, const Setup&);
// The same for sequences of different lengths; a part of batch_independence.
Finding different_lengths(const Subject&, const Setup&);
// A pass and ten training steps give the same bits for 1, 2 and 5 threads.
Finding threads(const Subject&, const Setup&);
// A pass leaves no state for the next one, also not for another length. A second backward adds the same
// again.
Finding repeat(const Subject&, const Setup&);
// The parameters contain all state of a layer: copying their bytes makes another instance equal.
Finding save_and_load(const Subject&, const Setup&);

Finding float_and_double(const Subject&, const Setup&);
// Outputs and gradients are finite for scores around 1e4, identical keys, and zeros, in float and double.
Finding numbers(const Subject&, const Setup&);
// The second step allocates nothing on the heap.
Finding memory(const Subject&, const Setup&);
// A position that acts on layers changes the output, or the variant refuses it. Requires: a position.
Finding position_matters(const Subject&, const Setup&);
// Weights for probes are finite, zero at hidden pairs, and computing them does not change the pass.
Finding weights(const Subject&, const Setup&);
bool shows_weights(const Subject&, const Setup&);
// The cost formula is finite, does not decrease with the lengths, and is not below the counted
// multiply-adds. Requires: a setup in which no pair is hidden.
Finding cost(const Subject&, const Setup&);
// Each option changes something: outputs, gradients, parameters, costs or the block, in some setup and for
// some choice of the other options. An option declared as `speed` changes no output and no gradient.
Finding options_matter(const Subject&, const Setup&);

}  // namespace heed::check
