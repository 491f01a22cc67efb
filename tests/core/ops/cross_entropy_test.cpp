#include "core/ops/cross_entropy.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

template <class S>
Mat<S> view(Matrix<S>& m) {
  return mat(m.data(), m.rows(), m.cols());
}

template <class S>
Score score(Matrix<S>& z, const std::vector<Token>& labels, double weight, std::span<Token> predicted = {},
            int threads = 1) {
  Step<S> step(threads);
  return cross_entropy<S>(step, view(z), labels, static_cast<S>(weight), predicted);
}

// Labels 0, 1, .. V-1, 0, ..; every fifth row is not scored.
std::vector<Token> some_labels(Index rows, Index vocabulary) {
  std::vector<Token> out;
  for (Index r = 0; r < rows; ++r) out.push_back(r % 5 == 3 ? kUnscored : static_cast<Token>(r % vocabulary));
  return out;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("cross_entropy: two rows, by hand") {
  Matrix<double> z = matrix<double>({{0, std::log(3.0)}, {5, 5}});  // softmax (1/4, 3/4) and (1/2, 1/2)
  std::vector<Token> predicted(2);
  const Score s = score(z, {0, 1}, 0.5, predicted);
  CHECK(s.loss == Approx(std::log(4.0) + std::log(2.0)).epsilon(1e-15));
  CHECK(s.mean_loss() == Approx(std::log(8.0) / 2).epsilon(1e-15));
  CHECK(s.scored == 2);
  CHECK(s.correct == 0);
  CHECK(predicted == std::vector<Token>{1, 0});  // the first of equals
  CHECK(z.isApprox(matrix<double>({{-0.375, 0.375}, {0.25, -0.25}}), 1e-15));
}

TEST_CASE("cross entropy: the gradient of cross entropy agrees with differences") {
  const Index rows = 11, vocabulary = 7;
  Matrix<double> z = normal_matrix<double>(rows, vocabulary, 1, "z", 2), dz = z;
  const std::vector<Token> labels = some_labels(rows, vocabulary);
  const double weight = 0.25;
  score(dz, labels, weight);
  const auto loss = [&] {
    Matrix<double> copy = z;
    return weight * score(copy, labels, 0).loss;
  };
  CHECK(compare_gradients({{"z", z.data(), dz.data(), rows, vocabulary}}, loss).fault.empty());
  dz(4, 3) *= 1.001;
  CHECK_THAT(compare_gradients({{"z", z.data(), dz.data(), rows, vocabulary}}, loss).fault,
             ContainsSubstring("z[4,3]"));
}

TEST_CASE("cross entropy: rows that are not scored count for nothing and get no gradient") {
  Matrix<double> z = matrix<double>({{1, 2}, {0, 0}, {3, 1}});
  std::vector<Token> predicted = {-7, -7, -7};
  const Score s = score(z, {kUnscored, 0, kUnscored}, 1, predicted);
  CHECK(s.scored == 1);
  CHECK(s.correct == 1);
  CHECK(s.loss == Approx(std::log(2.0)));
  CHECK(z.isApprox(matrix<double>({{0, 0}, {-0.5, 0.5}, {0, 0}}), 1e-15));
  CHECK(predicted[1] == 0);
}

TEST_CASE("cross entropy: where nothing is scored the loss is zero, not NaN") {
  Matrix<float> z = matrix<float>({{1, 2}, {3, 4}});
  const Score s = score(z, {kUnscored, kUnscored}, 1);
  CHECK(s.mean_loss() == 0);
  CHECK(s.accuracy() == 0);
  CHECK(s.scored == 0);
  CHECK((z.array() == 0).all());
  Matrix<float> none(0, 2);
  CHECK(score(none, {}, 1).mean_loss() == 0);
}

TEST_CASE("cross entropy: without a weight the logits stay as they are") {
  Matrix<double> z = normal_matrix<double>(6, 5, 1, "z"), before = z, learnt = z;
  const std::vector<Token> labels = some_labels(6, 5);
  const Score without_gradient = score(z, labels, 0), with_gradient = score(learnt, labels, 1);
  CHECK(z == before);
  CHECK(without_gradient.loss == Approx(with_gradient.loss).epsilon(1e-15));
  CHECK(without_gradient.correct == with_gradient.correct);
}

TEMPLATE_TEST_CASE("cross entropy: huge logits give finite losses and gradients", "", float, double) {
  using S = TestType;
  for (const double size : {1e4, 1e30, double(std::numeric_limits<S>::max())}) {
    CAPTURE(size);
    Matrix<S> z = matrix<S>({{size, -size, 0}, {size, -size, 0}, {size, size, size}});
    const Score s = score(z, {0, 2, 1}, 1);
    CHECK(s.loss == Approx(size + std::log(3.0)));
    CHECK(z.isApprox(matrix<S>({{0, 0, 0}, {1, 0, -1}, {1.0 / 3, -2.0 / 3, 1.0 / 3}}), S(1e-6)));
  }
}

TEST_CASE("cross entropy: logits that are not finite are seen in the loss") {
  for (const double bad : {std::nan(""), kInfinity})
    for (Index at = 0; at < 3; ++at) {
      CAPTURE(bad, at);
      Matrix<double> z = matrix<double>({{1, 2, 3}});
      z(0, at) = bad;
      Matrix<double> learnt = z;
      CHECK(std::isnan(score(z, {1}, 0).loss));
      CHECK(std::isnan(score(learnt, {1}, 1).loss));
      CHECK(learnt.array().isNaN().any());
    }
  Matrix<double> hidden = matrix<double>({{-kInfinity, 0, 0}});
  CHECK(score(hidden, {1}, 0).loss == Approx(std::log(2.0)));
  CHECK(score(hidden, {0}, 0).loss == kInfinity);
}

TEST_CASE(
    "cross entropy: parts with the weight of the whole give its gradient, and their scores add up to its "
    "score") {
  const Index rows = 10, vocabulary = 6;
  Matrix<double> whole = normal_matrix<double>(rows, vocabulary, 1, "z"), parts = whole;
  const std::vector<Token> labels = some_labels(rows, vocabulary);
  const double weight = 1.0 / 8;  // eight rows are scored
  const Score expected = score(whole, labels, weight);
  CHECK(expected.scored == 8);
  Score sum;
  Step<double> step;
  for (const auto& [from, n] : {std::pair<Index, Index>{0, 3}, {3, 1}, {4, 6}})  // the second has none scored
    sum += cross_entropy<double>(
        step, mat(parts.data() + from * vocabulary, n, vocabulary),
        std::span(labels).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(n)), weight);
  CHECK(parts.isApprox(whole, 1e-15));
  CHECK(sum.loss == Approx(expected.loss).epsilon(1e-15));
  CHECK(sum.scored == expected.scored);
  CHECK(sum.correct == expected.correct);
}

TEST_CASE("cross_entropy: the same bits for any number of threads") {
  const Matrix<float> start = normal_matrix<float>(203, 17, 1, "z", 3);
  const std::vector<Token> labels = some_labels(203, 17);
  Matrix<float> one = start;
  const Score expected = score(one, labels, 0.1);
  for (const int threads : {2, 5}) {
    Matrix<float> z = start;
    CHECK(score(z, labels, 0.1, {}, threads).loss == expected.loss);
    CHECK(z == one);
  }
}

}  // namespace heed
