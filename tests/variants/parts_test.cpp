// The pieces that recurrent layers are made of: short convolution, norms of rows, norm and gate of an output.
#include <cmath>
#include <functional>

#include "core/rng.h"
#include "core/step.h"
#include "tests/catch.h"
#include "variants/parts/head_output.h"
#include "variants/parts/row_norms.h"
#include "variants/parts/short_conv.h"

using namespace heed;

namespace {

using Matd = Matrix<double>;
constexpr double kRounding = 1e-14, kDifferences = 1e-8;

Matd random(Index rows, Index cols, const char* name) {
  Matd m(rows, cols);
  Draws draws = Rng(3, name).at(0);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = draws.normal();
  return m;
}
Mat<double> view(Matd& m) { return mat(m.data(), m.rows(), m.cols()); }
double distance(const Matd& a, const Matd& b) { return (a - b).cwiseAbs().maxCoeff(); }

// The gradient of sum(upstream * f()) by x, by central differences.
Matd differences(Matd& x, const Matd& upstream, const std::function<Matd()>& f) {
  constexpr double h = 1e-5;
  Matd d(x.rows(), x.cols());
  for (Index i = 0; i < x.size(); ++i) {
    const double at = x.data()[i];
    x.data()[i] = at + h;
    const Matd above = f();
    x.data()[i] = at - h;
    d.data()[i] = ((above - f()).array() * upstream.array()).sum() / (2 * h);
    x.data()[i] = at;
  }
  return d;
}

struct Conv {
  Matd taps, bias;
  Conv(Index width, Index channels, bool with_bias)
      : taps(random(width, channels, "taps")), bias(random(with_bias ? 1 : 0, channels, "bias")) {}
  ShortConv<double> view_of() { return {view(taps), view(bias)}; }
  Matd operator()(Matd& x) {
    Matd y(x.rows(), x.cols());
    short_conv<double>(view_of(), view(x), 0, view(y));
    return y;
  }
};

}  // namespace

TEST_CASE("short convolution: by hand, the last tap multiplies the current token") {
  Matd taps(3, 1), x(4, 1), y(4, 1), wanted(4, 1);
  taps << 100, 10, 1;
  x << 1, 2, 3, 4;
  wanted << 1, 12, 123, 234;
  short_conv<double>({view(taps), mat<double>(nullptr, 0, 1)}, view(x), 0, view(y));
  CHECK(y == wanted);
}

TEST_CASE("short convolution: token by token gives the same, with the inputs before as the state") {
  for (const Index width : {1, 2, 4, 5})
    for (const bool bias : {false, true}) {
      Conv conv(width, 3, bias);
      Matd x = random(7, 3, "x"), state = Matd::Zero(width - 1, 3), found(7, 3);
      for (Index t = 0; t < 7; ++t)
        short_conv_next<double>(conv.view_of(), row_block(view(x), t, 1), view(state),
                                row_block(view(found), t, 1));
      CHECK(distance(found, conv(x)) < kRounding);
      CHECK(state == x.bottomRows(width - 1));
    }
}

TEST_CASE("short convolution: gradients agree with central differences, in pieces of any length") {
  for (const Index width : {1, 4, 6})
    for (const Index piece : {1, 3, 64}) {
      CAPTURE(width, piece);
      Conv conv(width, 3, true);
      Matd x = random(7, 3, "x"), dy = random(7, 3, "dy");
      Matd dx = Matd::Zero(7, 3), dtaps = Matd::Zero(width, 3), dbias = Matd::Zero(1, 3);
      for (Index at = 0; at < 7; at += piece)
        short_conv_backward<double>(conv.view_of(), view(x), at,
                                    row_block(view(dy), at, std::min<Index>(piece, 7 - at)), view(dx),
                                    {view(dtaps), view(dbias)});
      const auto f = [&] { return conv(x); };
      CHECK(distance(dx, differences(x, dy, f)) < kDifferences);
      CHECK(distance(dtaps, differences(conv.taps, dy, f)) < kDifferences);
      CHECK(distance(dbias, differences(conv.bias, dy, f)) < kDifferences);
    }
}

TEST_CASE("norms of rows: lengths are as named, and gradients agree with central differences") {
  Matd x = random(5, 4, "x"), gain = random(1, 4, "gain"), dy = random(5, 4, "dy"), y(5, 4);
  Matd dx = Matd::Zero(5, 4), dgain = Matd::Zero(1, 4);
  SECTION("rms") {
    const auto f = [&]() -> Matd { return rms_rows<double>(view(x), view(gain), 1e-5, view(y)), y; };
    rms_rows_backward<double>(view(x), view(gain), 1e-5, view(dy), view(dx), view(dgain));
    CHECK(distance(dx, differences(x, dy, f)) < kDifferences);
    CHECK(distance(dgain, differences(gain, dy, f)) < kDifferences);
    gain.setOnes();
    CHECK(f().row(2).squaredNorm() / 4 == Approx(1).epsilon(1e-4));
  }
  SECTION("l2") {
    const auto f = [&]() -> Matd { return l2_rows<double>(view(x), 1e-6, view(y)), y; };
    l2_rows_backward<double>(view(x), 1e-6, view(dy), view(dx));
    CHECK(distance(dx, differences(x, dy, f)) < kDifferences);
    CHECK(f().row(2).norm() == Approx(1).epsilon(1e-5));
    x.setZero();
    CHECK(f() == Matd::Zero(5, 4));
  }
  SECTION("sum") {
    x = x.cwiseAbs();
    const auto f = [&]() -> Matd { return sum_rows<double>(view(x), view(y)), y; };
    sum_rows_backward<double>(view(x), view(dy), view(dx));
    CHECK(distance(dx, differences(x, dy, f)) < kDifferences);
    CHECK(f().row(2).sum() == Approx(1));
  }
}

TEST_CASE("norm and gate of an output: gradients agree with central differences") {
  Matd u = random(5, 3, "u"), g = random(5, 3, "g"), gain = random(1, 3, "gain"), dy = random(5, 3, "dy");
  Matd none(0, 3);
  for (const bool norm : {false, true})
    for (const Gate gate : {Gate::none, Gate::sigmoid, Gate::silu}) {
      CAPTURE(norm, static_cast<int>(gate));
      const auto output = [&] { return HeadOutput<double>{view(norm ? gain : none), 1e-5, gate}; };
      Step<double> step;
      Memory<double> memory = step.memory();
      const auto tile = [&] {
        const Mat<double> t = tile_room(memory, 5, 3);
        gather<double>(view(u), Rows{nullptr, 0, 5}, t);
        return t;
      };
      const auto f = [&] {
        Matd o(5, 3);
        output().forward(tile(), view(g), view(o), memory);
        return o;
      };
      Matd dg = Matd::Zero(5, 3), dgain = Matd::Zero(1, 3);
      const Matd du = output().backward(tile(), view(g), view(dy), view(dg), view(dgain), memory);
      CHECK(distance(du, differences(u, dy, f)) < kDifferences);
      CHECK(distance(dg, differences(g, dy, f)) < kDifferences);
      CHECK(distance(dgain, norm ? differences(gain, dy, f) : Matd::Zero(1, 3)) < kDifferences);
    }
}
