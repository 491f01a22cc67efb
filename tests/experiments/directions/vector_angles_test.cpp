#include "experiments/directions/vector_angles.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "core/rng.h"
#include "experiments/directions/theory.h"
#include "tests/catch.h"

namespace {

using namespace heed;
using namespace heed::directions;

bool near(double a, double b) { return std::abs(a - b) < 1e-7; }

ConstMat<float> view(const Matrix<float>& m) { return const_mat(m.data(), m.rows(), m.cols()); }

TEST_CASE("vector angles: lengths do not matter, signs do not, and zeros are left out") {
  // Pairs: 0 with 1 has cosine 0, 0 with 2 has -0.6, 1 with 2 has 0.8.
  const Matrix<float> vectors{{2, 0}, {0, 5}, {-3, 4}, {0, 0}};
  const PairAngles angles = pair_angles(view(vectors));
  CHECK(near(angles.cosine, (0 + 0.6 + 0.8) / 3));
  CHECK(near(angles.orthogonal, 1.0 / 3));
}

TEST_CASE("vector angles: one degree from a right angle is counted, more is not") {
  const auto at = [](double degrees) {
    const double radians = degrees * std::numbers::pi / 180;
    const Matrix<float> vectors{
        {1, 0}, {static_cast<float>(std::cos(radians)), static_cast<float>(std::sin(radians))}};
    return pair_angles(view(vectors)).orthogonal;
  };
  CHECK((at(89.01) == 1 && at(90.99) == 1 && at(90) == 1));
  CHECK((at(88.99) == 0 && at(91.01) == 0 && at(0) == 0));
}

TEST_CASE("vector angles: random vectors have the expected angles, in many blocks") {
  Matrix<float> vectors(300, 20);
  Draws draws = Rng(0, "vectors").at(0);
  for (float& x : vectors.reshaped()) x = static_cast<float>(draws.normal());
  const PairAngles angles = pair_angles(view(vectors));  // 44,850 pairs, standard errors 0.0006 and 0.001
  CHECK(std::abs(angles.cosine - mean_random_cosine(20)) < 0.003);
  CHECK(std::abs(angles.orthogonal - random_pair_fits({20, 1})) < 0.005);
}

TEST_CASE("vector angles: a single vector has no pair") {
  const Matrix<float> one{{1, 2}};
  CHECK(std::isnan(pair_angles(view(one)).cosine));
  CHECK(std::isnan(pair_angles(view(one)).orthogonal));
}

TEST_CASE("token similarity: a mean over tokens of the means over their pairs") {
  // Token 7: cosines 1, 0, 0 with mean 1/3. Token 4: one pair with cosine -1. Token 9 occurs once.
  const Matrix<float> vectors{{1, 0, 0}, {2, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, -3}, {0.6F, 0.8F, 0}};
  const std::vector<Token> tokens = {7, 7, 7, 4, 4, 9};
  const auto never = [](Index, Index) { return false; };
  const TokenSimilarity all = token_similarity(view(vectors), tokens, never);
  CHECK(near(all.same, (1.0 / 3 - 1) / 2));
  // 7 with 4: six zeros. 7 with 9: 0.6, 0.6, 0.8. 4 with 9: two zeros.
  CHECK(near(all.different, (0.6 + 0.6 + 0.8) / 11));

  const auto first_two = [](Index i, Index j) { return i == 1 && j == 0; };
  const TokenSimilarity some = token_similarity(view(vectors), tokens, first_two);
  CHECK(near(some.same, (0.0 - 1) / 2));
  CHECK(near(some.different, all.different));
}

TEST_CASE("token similarity: NaN where no token occurs twice, or only one occurs") {
  const Matrix<float> vectors{{1, 0}, {0, 1}};
  const auto never = [](Index, Index) { return false; };
  CHECK(std::isnan(token_similarity(view(vectors), std::vector<Token>{1, 2}, never).same));
  CHECK(std::isnan(token_similarity(view(vectors), std::vector<Token>{1, 1}, never).different));
}

}  // namespace
