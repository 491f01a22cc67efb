// The chunked delta rule against the recurrence, and what is true of the rule by itself.
#include <cmath>
#include <limits>
#include <tuple>

#include "core/rng.h"
#include "tests/catch.h"
#include "tests/variants/delta_runs.h"

using namespace heed;
using namespace heed::test;

namespace {

using Matd = Matrix<double>;
using Scalar = ScalarDecay<double>;
using Channel = ChannelDecay<double>;

constexpr double kRounding = 1e-10;

Matd random(Index rows, Index cols, const char* name, double stddev = 1) {
  Matd m(rows, cols);
  Draws draws = Rng(5, name).at(0);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = stddev * draws.normal();
  return m;
}
double distance(const Matd& a, const Matd& b) { return a.size() > 0 ? (a - b).cwiseAbs().maxCoeff() : 0; }

// Keys of length 1, and minus as much of each to erase as `beta` says; decays: numbers for each token.
DeltaSequence sequence(Index time, Index key, Index value, Index decays, double beta = 0.7) {
  DeltaSequence x{random(time, key, "q"),
                  random(time, key, "k"),
                  {},
                  random(time, value, "v"),
                  -random(decays > 0 ? time : 0, std::max<Index>(decays, 1), "g").cwiseAbs(),
                  random(key, value, "s")};
  x.k.rowwise().normalize();
  x.e = -beta * x.k;
  x.v *= beta;
  return x;
}

template <class Decay>
DeltaResult by_chunks(const DeltaSequence& x, Index chunk) {
  return delta_by_chunks<Decay>(x, random(x.q.rows(), x.v.cols(), "do"),
                                random(x.k.cols(), x.v.cols(), "dlast"), chunk);
}
DeltaResult by_steps(const DeltaSequence& x) {
  return delta_by_steps(x, random(x.q.rows(), x.v.cols(), "do"), random(x.k.cols(), x.v.cols(), "dlast"));
}

double distance(const DeltaResult& a, const DeltaResult& b) {
  return std::max({distance(a.o, b.o), distance(a.last, b.last), distance(a.grad.q, b.grad.q),
                   distance(a.grad.k, b.grad.k), distance(a.grad.e, b.grad.e), distance(a.grad.v, b.grad.v),
                   distance(a.grad.g, b.grad.g), distance(a.grad.s, b.grad.s)});
}

template <class Decay>
double worst_over_chunks(const DeltaSequence& x) {
  const DeltaResult expected = by_steps(x);
  double worst = 0;
  for (const Index chunk : {1, 2, 7, 8, 9, 16, 17, 24, 33, 64, 100})
    worst = std::max(worst, distance(by_chunks<Decay>(x, chunk), expected));
  return worst;
}

}  // namespace

TEST_CASE("delta rule: chunks of any length give outputs and gradients of the recurrence") {
  for (const auto& [time, key, value] :
       {std::tuple<Index, Index, Index>{1, 3, 2}, {37, 5, 3}, {65, 16, 20}}) {
    CAPTURE(time, key, value);
    CHECK(worst_over_chunks<Scalar>(sequence(time, key, value, 0)) < kRounding);
    CHECK(worst_over_chunks<Scalar>(sequence(time, key, value, 1)) < kRounding);
    CHECK(worst_over_chunks<Channel>(sequence(time, key, value, key)) < kRounding);
  }
}

TEST_CASE("delta rule: erase keys need not be multiples of the keys") {
  DeltaSequence x = sequence(29, 5, 4, 5);
  x.e = -(x.k.array() * random(29, 5, "b").array().abs().min(1)).matrix();
  CHECK(worst_over_chunks<Channel>(x) < kRounding);
}

TEST_CASE("delta rule: decays too strong to be written as quotients") {
  for (const double g : {-50.0, -800.0}) {
    DeltaSequence scalar = sequence(33, 4, 3, 1), channels = sequence(33, 4, 3, 4);
    scalar.g *= -g, channels.g *= -g;
    CAPTURE(g);
    CHECK(worst_over_chunks<Scalar>(scalar) < kRounding);
    CHECK(worst_over_chunks<Channel>(channels) < kRounding);
  }
}

TEST_CASE("delta rule: the recurrence's gradients agree with central differences") {
  for (const Index decays : {0, 1, 4}) {
    DeltaSequence x = sequence(9, 4, 3, decays);
    const Matd d_o = random(9, 3, "do"), dlast = random(4, 3, "dlast");
    const DeltaResult found = delta_by_steps(x, d_o, dlast);
    const auto loss = [&] {
      const DeltaResult r = delta_by_steps(x, d_o, dlast);
      return (r.o.array() * d_o.array()).sum() + (r.last.array() * dlast.array()).sum();
    };
    double worst = 0;
    for (const auto& [values, grads] : {std::pair{&x.q, &found.grad.q},
                                        {&x.k, &found.grad.k},
                                        {&x.e, &found.grad.e},
                                        {&x.v, &found.grad.v},
                                        {&x.g, &found.grad.g},
                                        {&x.s, &found.grad.s}})
      for (Index i = 0; i < values->size(); ++i) {
        double& at = values->data()[i];
        const double here = at, h = 1e-5;
        at = here + h;
        const double above = loss();
        at = here - h;
        worst = std::max(worst, std::abs((above - loss()) / (2 * h) - grads->data()[i]));
        at = here;
      }
    CHECK(worst < 1e-8);
  }
}

TEST_CASE("delta rule: a token step is a chunk of one") {
  for (const Index decays : {0, 1, 5}) {
    const DeltaSequence x = sequence(13, 5, 3, decays);
    Step<double> step;
    Memory<double> memory = step.memory();
    Matd s = x.s, o(13, 3);
    const auto one = [&](const Matd& m, Index t) {
      const Mat<double> tile = tile_room(memory, m.rows() > 0 ? 1 : 0, m.cols());
      if (m.rows() > 0) row(tile, 0) = m.row(t).array();
      return tile;
    };
    for (Index t = 0; t < 13; ++t)
      delta_step<double>({one(x.q, t), one(x.k, t), one(x.e, t), one(x.v, t), one(x.g, t)}, view_of(s),
                         row_block(view_of(o), t, 1), memory);
    CHECK(distance(o, by_steps(x).o) < 1e-14);
    CHECK(distance(s, by_steps(x).last) < 1e-14);
  }
}

TEST_CASE("delta rule: with beta = 1 and a unit key, the state returns the value just written") {
  for (const Index decays : {0, 4}) {
    DeltaSequence x = sequence(21, 4, 3, decays, 1.0);
    x.q = x.k;  // read what was written, whatever the decay
    const Matd o = decays == 0 ? by_chunks<Scalar>(x, 8).o : by_chunks<Channel>(x, 8).o;
    CHECK(distance(o, x.v) < 1e-13);
  }
}

TEST_CASE("delta rule: with beta = 0 the state only decays") {
  const DeltaSequence x = sequence(21, 4, 3, 1, 0.0);
  const DeltaResult found = by_chunks<Scalar>(x, 8);
  CHECK(distance(found.last, std::exp(x.g.sum()) * x.s) < 1e-15);
}

TEST_CASE("delta rule: orthonormal keys with beta = 1 add up") {
  DeltaSequence x = sequence(5, 5, 3, 0, 1.0);
  x.k = Matd::Identity(5, 5), x.e = -x.k;
  x.s.setZero();
  CHECK(distance(by_chunks<Scalar>(x, 3).last, x.k.transpose() * x.v) < 1e-14);
}

TEST_CASE("delta rule: writing the same pair again changes nothing") {
  DeltaSequence x = sequence(2, 4, 3, 0, 1.0);
  x.k.row(1) = x.k.row(0), x.e.row(1) = x.e.row(0), x.v.row(1) = x.v.row(0);
  DeltaSequence once = x;
  for (Matd* m : {&once.q, &once.k, &once.e, &once.v}) *m = Matd(m->topRows(1));
  CHECK(distance(by_chunks<Scalar>(x, 2).last, by_chunks<Scalar>(once, 1).last) < 1e-14);
}

TEST_CASE("delta rule: channels that decay alike are a scalar decay, and g = 0 is none") {
  const DeltaSequence scalar = sequence(37, 5, 3, 1);
  DeltaSequence alike = scalar;
  alike.g = scalar.g.replicate(1, 5);
  DeltaResult a = by_chunks<Scalar>(scalar, 16), b = by_chunks<Channel>(alike, 16);
  b.grad.g = Matd(b.grad.g.rowwise().sum());
  CHECK(distance(a, b) < 1e-12);

  DeltaSequence still = scalar, none = scalar;
  still.g.setZero(), none.g.resize(0, 1);
  a = by_chunks<Scalar>(still, 16), b = by_chunks<Scalar>(none, 16);
  a.grad.g.resize(0, 1);
  CHECK(distance(a, b) == 0);
}

TEST_CASE("unit triangular systems: solutions of both kinds, of any size") {
  for (const Index n : {1, 5, 16, 17, 33, 64}) {
    const Matd l = random(n, n, "l", 0.3), b = random(n, 3, "b");
    Matd x = b, y = b;
    Matd lower = -l;
    lower.triangularView<Eigen::Upper>().setZero();
    lower.diagonal().setOnes();
    const ConstMat<double> given = const_mat(l.data(), n, n);
    solve_unit_lower<double>(given, view_of(x));
    solve_unit_lower_transposed<double>(given, view_of(y));
    CAPTURE(n);
    CHECK(distance(lower * x, b) < 1e-10 * x.cwiseAbs().maxCoeff());
    CHECK(distance(lower.transpose() * y, b) < 1e-10 * y.cwiseAbs().maxCoeff());
  }
}
