#include "core/ops/embedding.h"

#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

template <class S>
Matrix<S> looked_up(Matrix<S>& table, const std::vector<Token>& tokens) {
  Matrix<S> x(static_cast<Index>(tokens.size()), table.cols());
  embed<S>(const_mat(table.data(), table.rows(), table.cols()), tokens, mat(x.data(), x.rows(), x.cols()));
  return x;
}

template <class S>
Matrix<S> table_gradient(Matrix<S>& dx, const std::vector<Token>& tokens, Index vocabulary) {
  Matrix<S> dtable = Matrix<S>::Zero(vocabulary, dx.cols());
  embed_backward<S>(tokens, mat(dx.data(), dx.rows(), dx.cols()), mat(dtable.data(), vocabulary, dx.cols()));
  return dtable;
}

}  // namespace

TEST_CASE("embed: two tokens, by hand") {
  Matrix<double> table = matrix<double>({{1, 2}, {3, 4}}), dx = matrix<double>({{5, 6}, {7, 8}});
  CHECK(looked_up(table, {1, 0}) == matrix<double>({{3, 4}, {1, 2}}));
  CHECK(table_gradient(dx, {1, 0}, 2) == matrix<double>({{7, 8}, {5, 6}}));
  CHECK(table_gradient(dx, {1, 1}, 2) == matrix<double>({{0, 0}, {12, 14}}));
}

TEST_CASE("embedding: the gradient of an embedding agrees with differences") {
  const std::vector<Token> tokens = {2, 0, 2, 2, 4, 1, 0};  // some twice, 3 never
  Matrix<double> table = normal_matrix<double>(5, 3, 1, "table"), dx = normal_matrix<double>(7, 3, 1, "dx");
  const Matrix<double> dtable = table_gradient(dx, tokens, 5);
  CHECK(compare_gradients({{"table", table.data(), dtable.data(), 5, 3}}, [&] {
          return looked_up(table, tokens).cwiseProduct(dx).sum();
        }).fault.empty());
  CHECK((dtable.row(3).array() == 0).all());
}

TEST_CASE("embed: copies huge numbers, infinity and NaN") {
  Matrix<float> table = matrix<float>({{1e38, -1e38}, {0, 1}});
  table(1, 0) = std::numeric_limits<float>::quiet_NaN();
  const Matrix<float> x = looked_up(table, {0, 1, 0});
  CHECK(x.row(0) == table.row(0));
  CHECK(x.row(2) == table.row(0));
  CHECK((std::isnan(x(1, 0)) && x(1, 1) == 1));
}

}  // namespace heed
