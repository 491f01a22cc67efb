#include "core/views.h"

#include <numeric>
#include <vector>

#include "tests/catch.h"

namespace heed {
namespace {

std::vector<double> counting(std::size_t n) {
  std::vector<double> out(n);
  std::iota(out.begin(), out.end(), 0.0);
  return out;
}

// S must be deduced from a view, and a writable view must do where one to read is asked for.
template <class S>
S sum(Mat<S> m) {
  return m.sum();
}
template <class S>
S dot(Mat<S> a, In<S> b) {
  return a.cwiseProduct(b).sum();
}

}  // namespace

TEST_CASE("views: a sequence is rows of batch times time, and one matrix for each batch") {
  std::vector<double> numbers = counting(2 * 3 * 4);
  const Seq<double> s{numbers.data(), 2, 3, 4};
  CHECK(s.size() == 24);
  CHECK(s.rows().rows() == 6);
  CHECK(s.rows()(4, 1) == 17);
  CHECK(s.at(1).rows() == 3);
  CHECK(s.at(1)(1, 1) == 17);
  CHECK(s.at(1).data() == numbers.data() + 12);
}

TEST_CASE("views: heads are columns of a sequence, without a copy") {
  std::vector<double> numbers = counting(2 * 3 * 4);  // batch 2, time 3, dim 4
  const Heads<double> h = Seq<double>{numbers.data(), 2, 3, 4}.heads(2);
  CHECK(h.dim == 2);
  const Mat<double> one = h(1, 1);  // second sequence, second head: columns 2 and 3
  for (Index t = 0; t < 3; ++t)
    for (Index d = 0; d < 2; ++d) CHECK(one(t, d) == static_cast<double>(12 + 4 * t + 2 + d));
  h(1, 1)(2, 0) = -1;
  CHECK(numbers[22] == -1);
}

TEST_CASE("views: writing through a strided view does not change its neighbors") {
  std::vector<double> numbers(3 * 6, 7.0);
  const Heads<double> h = Seq<double>{numbers.data(), 1, 3, 6}.heads(3);
  h(0, 1).setZero();
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == (i % 6 / 2 == 1 ? 0 : 7));
}

TEST_CASE("views: assigning to a view copies numbers and does not move the view") {
  std::vector<double> a = counting(4), b(4, 0.0);
  Mat<double> to = mat(b.data(), 2, 2);
  to = mat(a.data(), 2, 2);
  CHECK(to.data() == b.data());
  CHECK(a == b);
}

TEST_CASE("views: a view to read is made from one to write, and the scalar is deduced") {
  std::vector<double> a = counting(4);
  const Mat<double> m = mat(a.data(), 2, 2);
  CHECK(sum(m) == 6);
  CHECK(dot(m, m) == 14);
  const ConstMat<double> read = m;
  CHECK(read.data() == a.data());
  const Seq<const double> s = Seq<double>{a.data(), 1, 2, 2};
  CHECK(s.rows()(1, 1) == 3);
  const Heads<const double> h = Seq<double>{a.data(), 1, 2, 2}.heads(2);
  CHECK(h(0, 1)(1, 0) == 3);
}

}  // namespace heed
