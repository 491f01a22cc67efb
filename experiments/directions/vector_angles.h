// Angles between given vectors: rows of a matrix. Rows of zeros have no direction and are left out. Means
// over nothing are NaN.
#pragma once

#include <functional>
#include <span>

#include "core/task.h"
#include "core/views.h"

namespace heed::directions {

inline constexpr double kNearlyOrthogonal = 1;  // degrees from a right angle

struct PairAngles {
  double cosine;      // mean |cosine| over all pairs
  double orthogonal;  // share of pairs within kNearlyOrthogonal of a right angle
};
PairAngles pair_angles(const In<float>& vectors);

// How similar the vectors of a token are in different contexts, and those of different tokens.
struct TokenSimilarity {
  double same;       // mean cosine over the pairs of a token in different contexts; mean over tokens
  double different;  // mean cosine over all pairs of different tokens
};
// tokens: of each row. same_context(i, j): rows i and j, of the same token, have the same context, so that
// the pair does not count.
TokenSimilarity token_similarity(const In<float>& vectors, std::span<const Token> tokens,
                                 const std::function<bool(Index, Index)>& same_context);

}  // namespace heed::directions
