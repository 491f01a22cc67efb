// How many directions are nearly orthogonal, by formula. Sources: docs/experiments/directions.md.
#pragma once

#include "core/index.h"

namespace heed::directions {

// Directions of a space of `dim` dimensions. A pair of them is nearly orthogonal if its angle is between
// 90 - within and 90 + within degrees.
struct Setting {
  Index dim = 2;      // at least 2
  double within = 1;  // above 0, below 90
};

// Returns sin(within), the largest |cosine| of a nearly orthogonal pair.
double largest_cosine(const Setting& s);

// Returns the probability that a random pair is not nearly orthogonal, I the regularized incomplete beta
// function:
//     q = 1 - I_{sin^2 within}(1/2, (dim - 1)/2)
// Exact, because the squared cosine of a random pair has that beta distribution. The probability of the
// opposite is computed from the other tail, so that neither loses digits.
double random_pair_fails(const Setting& s);
double random_pair_fits(const Setting& s);

// Returns the mean |cosine| of a random pair: Γ(dim/2) / (√π Γ((dim+1)/2)).
double mean_random_cosine(Index dim);

// Returns the probability that all three pairs of three random directions are nearly orthogonal.
double three_random_fit(const Setting& s);

// Returns the expected number of random directions, drawn one after another, before one is not nearly
// orthogonal to an earlier one. With p the probability that a pair fits, and p_3 that three directions fit:
//     E[N] = sum over k >= 1 of P(the first k fit)
//     P(the first k fit) = p^(k (k-1) / 2) (p_3 / p^3)^(k (k-1) (k-2) / 6)
// Exact for k <= 3; beyond, dependence of more than three directions is left out (Kirkwood's superposition).
// Pairs are independent two at a time, so if q = 1 - p is below 0.001 the second factor is left out, too.
double expected_random_vectors(const Setting& s);

// Returns a number of directions that certainly fit: a set to which none can be added has at least 1/q of
// them, because each excludes a share q of all; and dim directions fit as a basis.
double certainly_fit(const Setting& s);

// Returns a number that the size of no set exceeds, the smallest of the real Welch bounds. With c the largest
// cosine and E_k the mean of the 2k-th power of a random cosine:
//     N <= (1 - c^2k) / (E_k - c^2k)    for each k with E_k > c^2k
// It can be infinite if it is larger than a double.
double most_that_fit(const Setting& s);

}  // namespace heed::directions
