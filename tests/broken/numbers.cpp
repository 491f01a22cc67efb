// Broken variants with wrong numbers, memory or shapes.
#include <algorithm>
#include <memory>
#include <new>
#include <type_traits>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"
#include "tests/broken/slopes.h"
#include "tests/heap.h"

using namespace heed;
using namespace heed::broken;

namespace {

// Right only in double: in float a constant is rounded to a thousandth.
template <class S>
struct WrongInFloat : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    if constexpr (std::is_same_v<S, float>) o *= S(1.001);
    return saved;
  }
};

// exp without subtracting the largest score.
template <class S>
struct Overflows : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    Mat<S> p = memory.keep(in.q.rows(), in.k.rows());
    product_abt(in.q, in.k, p);
    p = (Naive<S>::scale(in) * p.array()).exp();
    for (Index i = 0; i < p.rows(); ++i)
      for (Index j = 0; j < p.cols(); ++j)
        if (in.mask.hides(i, j)) p(i, j) = 0;
    for (Index i = 0; i < p.rows(); ++i) p.row(i) /= p.row(i).sum();
    product_ab(p, in.v, o);
    return {p};
  }
};

// Asks the heap in each pass.
template <class S>
struct Allocates : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Matrix<S> scores = in.q.lazyProduct(in.k.transpose());
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += S(1e-3) * scores.sum();
    return saved;
  }
};

// Keeps more in each pass.
template <class S>
struct Grows : Naive<S> {
  std::shared_ptr<Index> passes = std::make_shared<Index>();
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    if (in.batch == 0 && in.index == 0) memory.keep(3000, ++*passes);
    return Naive<S>::forward(in, o, memory);
  }
};

// Takes the number of keys from the queries.
template <class S>
struct SquareOnly : Naive<S> {
  static Head<S> square(const Head<S>& in) {
    Head<S> out = in;
    const Index n = std::min(in.q.rows(), in.k.rows());
    new (&out.k) ConstMat<S>(in.k.data(), n, in.k.cols(), Eigen::OuterStride<>(in.k.outerStride()));
    new (&out.v) ConstMat<S>(in.v.data(), n, in.v.cols(), Eigen::OuterStride<>(in.v.outerStride()));
    return out;
  }
  // What it leaves out is left out of backward, too; only the lengths give it away.
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    return Naive<S>::forward(square(in), o, memory);
  }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    if (in.q.rows() == in.k.rows()) return Naive<S>::backward(in, saved, d_o, grad, memory);
    HeadGrad<S> part{grad.q,
                     mat(memory.temp(in.k.rows(), in.k.cols()).data(), saved.p.cols(), in.k.cols()),
                     mat(memory.temp(in.v.rows(), in.v.cols()).data(), saved.p.cols(), in.v.cols()),
                     grad.params,
                     grad.slots,
                     grad.batch,
                     grad.index};
    part.k.setZero(), part.v.setZero();
    Naive<S>::backward(square(in), saved, d_o, part, memory);
    grad.k.topRows(part.v.rows()) += part.k;
  }
  void weights(const Head<S>&, const typename Naive<S>::Saved& saved, Mat<S> p, Memory<S>&) const {
    p.setZero();
    p.leftCols(saved.p.cols()) = saved.p;
  }
};

// Ignores the bias of a position without refusing it.
template <class S>
struct NoSlope : Naive<S> {
  typename Naive<S>::Saved forward(Head<S> in, Mat<S> o, Memory<S>& memory) const {
    in.slope = 0;
    return Naive<S>::forward(in, o, memory);
  }
};

// Shows scores in place of weights, the hidden ones too.
template <class S>
struct ShowsScores : Naive<S> {
  void weights(const Head<S>& in, const typename Naive<S>::Saved&, Mat<S> p, Memory<S>&) const {
    product_abt(in.q, in.k, p);
  }
};

}  // namespace

TEST_CASE("precision check: finds an error that exists only in float") {
  require_caught(with_mixer<WrongInFloat>("wrong_in_float"), "float and double",
                 "differs by 0.001 relative between float and double");
}

TEST_CASE("numbers check: finds an overflow") {
  require_caught(with_mixer<Overflows>("overflows"), "numbers", "is not finite in float for huge scores");
}

TEST_CASE("memory check: counts what the second step takes from the heap") {
  if (test::heap_allocations() == 0) return;  // not counted in this build (tests/heap.h)
  require_caught(with_mixer<Allocates>("allocates"), "memory", "step 2 allocates on the heap",
                 {.heap_allocations = test::heap_allocations});
}

TEST_CASE("memory check: sees arenas that grow") {
  require_caught(with_mixer<Grows>("grows"), "memory", "more bytes for its arenas");
}

TEST_CASE("cross check: finds lengths that are mixed up") {
  require_caught(with_mixer<SquareOnly>("square_only"), "cross shapes", "value.weight[");
}

TEST_CASE("heed check: a position that makes no difference is found") {
  const Registry registry = [] {
    Registry r = with_mixer<NoSlope>("no_slope");
    r.add_position<Slopes>("slopes", {});
    return r;
  }();
  require_caught(registry, "positions", "the position has no effect");
}

TEST_CASE("weights check: finds a hidden pair that is shown") {
  require_caught(with_mixer<ShowsScores>("shows_scores"), "weights", "the hidden pair (0,1) has the weight");
}
