#pragma once

#include <cstdint>
#include <optional>

#include "core/registry.h"
#include "core/step.h"
#include "core/views.h"
#include "experiments/directions/theory.h"

namespace heed::directions {

// How a search for nearly orthogonal directions computes.
struct PackingOptions {
  std::uint64_t seed = 0;
  double flops = 1e12;  // floating-point operations that a search may use
  Index steps = 300;    // optimizer steps of one trial
};

// Returns the largest |cosine| between two rows of unit length. Requires: at least one row.
double largest_cosine_between(const In<double>& directions);

// Tries to find n nearly orthogonal directions, rows of unit length (n, dim). Begins with random ones, and
// improves them by gradient descent with the optimizer adamw on
//     L = sum over pairs of max(0, |cosine| - 0.98 c)^2,    c the largest allowed |cosine|
// until all pairs fit. Returns nullopt if they do not after options.steps.
std::optional<Matrix<double>> pack(const Setting& s, Index n, const PackingOptions& options,
                                   const Registry& registry, Step<float>& step);

// Why a search did not find more directions.
enum class SearchEnd {
  bound,   // it reached the most that can fit
  failed,  // a larger number was tried, and did not fit
  work,    // options.flops allowed no trial of a larger number
};

struct Search {
  Index reached = 0;
  SearchEnd end = SearchEnd::work;
  Matrix<double> directions = {};  // (reached, dim), or empty if the basis was not improved
};

// Looks for as many nearly orthogonal directions as possible, by bisection (to one percent) between dim,
// which a basis has, and the upper bound. The result does not depend on the number of threads.
Search search_packing(const Setting& s, const PackingOptions& options, const Registry& registry,
                      Step<float>& step);

}  // namespace heed::directions
