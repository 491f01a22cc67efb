#include "variants/parts/softmax_pair.h"

#include "core/rng.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

// Random numbers for both maps, and what either backward adds to.
struct Pair {
  Pair(Index tq, Index tk, Index d, Index width)
      : q_1(numbers(tq, d)),
        k_1(numbers(tk, d)),
        q_2(numbers(tq, d)),
        k_2(numbers(tk, d)),
        v(numbers(tk, width)),
        d_o(numbers(tq, width)),
        o_1(tq, width),
        o_2(tq, width),
        lse_1(1, tq),
        lse_2(1, tq) {}

  Matd numbers(Index rows, Index cols) {
    Draws draws = Rng(7, "pair").at(drawn++);
    return Matd::NullaryExpr(rows, cols, [&] { return draws.normal(); });
  }
  static Mat<double> view(Matd& m) { return mat(m.data(), m.rows(), m.cols()); }
  SoftmaxMap<double> map(Matd& q, Matd& k, Index shift) {
    return {view(q), view(k), view(v), 0.6, 0.05, shift};
  }

  std::uint64_t drawn = 0;
  Matd q_1, k_1, q_2, k_2, v, d_o, o_1, o_2, lse_1, lse_2;
};

struct Gradients {
  Gradients(const Pair& p, Index d)
      : q_1(Matd::Zero(p.q_1.rows(), d)),
        k_1(Matd::Zero(p.k_1.rows(), d)),
        q_2(q_1),
        k_2(k_1),
        v(Matd::Zero(p.v.rows(), p.v.cols())) {}
  double distance(const Gradients& o) const {
    return std::max({(q_1 - o.q_1).cwiseAbs().maxCoeff(), (k_1 - o.k_1).cwiseAbs().maxCoeff(),
                     (q_2 - o.q_2).cwiseAbs().maxCoeff(), (k_2 - o.k_2).cwiseAbs().maxCoeff(),
                     (v - o.v).cwiseAbs().maxCoeff()});
  }
  Matd q_1, k_1, q_2, k_2, v;
};

}  // namespace

TEST_CASE("softmax pair: the pair of maps in one pass agrees with two passes") {
  for (const Index tile : {1, 3, 8, 64})
    for (const auto& [tq, tk] : {std::pair<Index, Index>{1, 1}, {7, 7}, {5, 9}, {9, 6}, {33, 40}}) {
      CAPTURE(tile, tq, tk);
      const Index d = 5, width = 10;
      const double lambda = 0.7;
      Pair p(tq, tk, d, width);
      Step<double> step;
      Memory<double> memory = step.memory();
      const Mask mask{true, tk - tq};
      const DenseTiles tiles(tq, tk, mask, tile);
      const auto one = p.map(p.q_1, p.k_1, mask.offset), two = p.map(p.q_2, p.k_2, mask.offset);
      softmax_forward(one, tiles, Pair::view(p.o_1), Pair::view(p.lse_1), memory);
      softmax_forward(two, tiles, Pair::view(p.o_2), Pair::view(p.lse_2), memory);

      Gradients plain(p, d), fast(p, d);
      Matd d_o_2 = -lambda * p.d_o;
      softmax_backward<double>(one, tiles, Pair::view(p.o_1), Pair::view(p.lse_1), Pair::view(p.d_o),
                               Pair::view(plain.q_1), Pair::view(plain.k_1), Pair::view(plain.v), memory);
      softmax_backward<double>(two, tiles, Pair::view(p.o_2), Pair::view(p.lse_2), Pair::view(d_o_2),
                               Pair::view(plain.q_2), Pair::view(plain.k_2), Pair::view(plain.v), memory);
      softmax_pair_backward<double>(
          {one, Pair::view(p.o_1), Pair::view(p.lse_1), Pair::view(fast.q_1), Pair::view(fast.k_1)},
          {two, Pair::view(p.o_2), Pair::view(p.lse_2), Pair::view(fast.q_2), Pair::view(fast.k_2)},
          std::vector<double>(static_cast<std::size_t>(tq), lambda), tiles, Pair::view(p.d_o),
          Pair::view(fast.v), memory);
      CHECK(plain.v.cwiseAbs().maxCoeff() > 0.01);
      CHECK(fast.distance(plain) < 1e-13);
    }
}
