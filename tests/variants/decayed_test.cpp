// Linear attention with decay: the chunked form against the plain recurrence, and what its rules have in
// common.
#include "core/ops/decayed_attention.h"

#include <algorithm>
#include <cmath>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

struct Sequence {
  Matd q, k, v, g, initial, d_o;
};

// Decays from weak to so strong that e^{-G} overflows.
Sequence sequence(Index time, Index key, Index value, bool by_channel, double strength) {
  const auto normal = [&](Index rows, Index cols, const char* name) {
    return normal_matrix<double>(rows, cols, 1, name);
  };
  Sequence s{normal(time, key, "q"),   normal(time, key, "k"),
             normal(time, value, "v"), normal(time, by_channel ? key : 1, "g"),
             normal(key, value, "s"),  normal(time, value, "do")};
  s.g = -strength * s.g.cwiseAbs();
  return s;
}

struct Result {
  Matd o, dq, dk, dv, dg, d_initial;
};

constexpr double kScale = 0.7;

// e^{g_t} of each key channel
Eigen::VectorXd decay(const Sequence& s, Index t) {
  if (s.g.cols() == 1) return Eigen::VectorXd::Constant(s.k.cols(), std::exp(s.g(t, 0)));
  return s.g.row(t).array().exp().matrix().transpose();
}

// The definition, token by token, and its gradient: the state's gradient r walks back.
Result by_recurrence(const Sequence& s) {
  const Index time = s.q.rows(), key = s.k.cols();
  Result out{Matd::Zero(time, s.v.cols()), Matd::Zero(time, key),        Matd::Zero(time, key),
             Matd::Zero(time, s.v.cols()), Matd::Zero(time, s.g.cols()), {}};
  std::vector<Matd> states = {s.initial};
  for (Index t = 0; t < time; ++t) {
    states.push_back(decay(s, t).asDiagonal() * states.back() +
                     s.k.row(t).transpose().lazyProduct(s.v.row(t)));
    out.o.row(t) = kScale * s.q.row(t).lazyProduct(states.back());
  }
  Matd r = Matd::Zero(key, s.v.cols());
  for (Index t = time - 1; t >= 0; --t) {
    const auto at = static_cast<std::size_t>(t);
    out.dq.row(t) = kScale * s.d_o.row(t).lazyProduct(states[at + 1].transpose());
    r += kScale * s.q.row(t).transpose().lazyProduct(s.d_o.row(t));
    out.dk.row(t) = s.v.row(t).lazyProduct(r.transpose());
    out.dv.row(t) = s.k.row(t).lazyProduct(r);
    const Matd decayed = decay(s, t).asDiagonal() * states[at];
    const Matd dg = r.cwiseProduct(decayed).rowwise().sum().transpose();
    if (s.g.cols() == 1)
      out.dg(t, 0) = dg.sum();
    else
      out.dg.row(t) = dg;
    r = decay(s, t).asDiagonal() * r;
  }
  out.d_initial = r;
  return out;
}

ConstMat<double> view(const Matd& m) { return const_mat(m.data(), m.rows(), m.cols()); }
Mat<double> view(Matd& m) { return mat(m.data(), m.rows(), m.cols()); }

Result by_chunks(const Sequence& s, Index chunk) {
  Result out{Matd::Zero(s.q.rows(), s.v.cols()), 0 * s.q, 0 * s.k, 0 * s.v, 0 * s.g, s.initial};
  Step<double> step;
  Memory<double> memory = step.memory();
  const Decayed<double> in{view(s.q), view(s.k), view(s.v), view(s.g), kScale, chunk};
  const Mat<double> states = decayed_forward<double>(in, view(s.initial), view(out.o), memory);
  decayed_backward<double>(in, states, view(s.d_o), {view(out.dq), view(out.dk), view(out.dv), view(out.dg)},
                           view(out.d_initial), memory);
  return out;
}

double difference(const Result& a, const Result& b) {
  double worst = 0;
  for (const auto& [x, y] : {std::pair(&a.o, &b.o),
                             {&a.dq, &b.dq},
                             {&a.dk, &b.dk},
                             {&a.dv, &b.dv},
                             {&a.dg, &b.dg},
                             {&a.d_initial, &b.d_initial}})
    worst = std::max(worst, distance(*x, *y) / std::max(1.0, y->cwiseAbs().maxCoeff()));
  return worst;
}

KernelRun run_of(const std::string& variant, const Config& given, const Sizes& s) {
  Problems problems;
  return KernelRun(variant, registry().variant(variant).resolve(given, variant, problems), s);
}

}  // namespace

TEST_CASE("decay: chunks give the outputs and gradients of the recurrence, whatever the chunk") {
  for (const bool by_channel : {false, true})
    for (const double strength : {0.0, 0.1, 3.0, 400.0})
      for (const auto& [time, key, value] :
           {std::tuple<Index, Index, Index>{1, 3, 2}, {13, 4, 6}, {71, 5, 3}}) {
        const Sequence s = sequence(time, key, value, by_channel, strength);
        const Result expected = by_recurrence(s);
        for (const Index chunk : {1, 2, 5, 16, 33, 64, 200}) {
          CAPTURE(by_channel, strength, time, chunk);
          CHECK(difference(by_chunks(s, chunk), expected) < 1e-10);
        }
      }
}

TEST_CASE("decay: one decay for all channels is the same as equal decays of each channel") {
  const Sequence one = sequence(40, 4, 3, false, 0.5);
  Sequence each = one;
  each.g = one.g.replicate(1, 4);
  const Result a = by_chunks(one, 16), b = by_chunks(each, 16);
  CHECK(distance(a.o, b.o) < 1e-12);
  CHECK(distance(a.dq, b.dq) < 1e-12);
  CHECK(distance(a.dk, b.dk) < 1e-12);
  CHECK(distance(a.dg, b.dg.rowwise().sum()) < 1e-11);
}

TEST_CASE("decay: a sequence in two pieces, with the state passed on, is the sequence") {
  const Sequence s = sequence(23, 4, 3, true, 0.5);
  Matd state = s.initial, o = Matd::Zero(23, 3);
  for (Index t = 0; t < 23; ++t) {
    const auto at = [&](const Matd& m) { return row_block(view(m), t, 1); };
    decayed_step<double>({at(s.q), at(s.k), at(s.v), at(s.g), kScale, 1}, view(state),
                         row_block(view(o), t, 1));
  }
  CHECK(distance(o, by_chunks(s, 8).o) < 1e-12);
}

TEST_CASE("fast_weights is the numerator of linear attention with identity features") {
  KernelRun run = run_of("fast_weights", options({{"chunk", whole(4)}}), {.tq = 13, .tk = 13});
  run.forward();
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) {
      Matd p = run.head(run.q, 13, 4, b, h).lazyProduct(run.head(run.k, 13, 4, b, h).transpose());
      p = p.triangularView<Eigen::Lower>();
      CHECK(distance(run.weights(b, h), p) < 1e-13);
      CHECK(distance(run.head(run.o, 13, 4, b, h), p.lazyProduct(run.head(run.v, 13, 4, b, h))) < 1e-12);
    }
}

TEST_CASE("retention without decay, norm and gate is the sum rule; with decay, weights fall by gamma") {
  const auto retention = [](double first) {
    return run_of("retention",
                  options({{"first_decay", Config::number(first)},
                           {"expand_value", whole(1)},
                           {"output_norm", Config::boolean(false)},
                           {"output_gate", Config::scalar("none")}}),
                  {.tq = 9, .tk = 9});
  };
  KernelRun none = retention(1000), some = retention(5);
  KernelRun sum = run_of("fast_weights", options({{"scale", Config::number(0.5)}}), {.tq = 9, .tk = 9});
  for (KernelRun* run : {&none, &some, &sum}) run->run();
  CHECK(none.o == sum.o);
  CHECK(none.dk == sum.dk);
  for (Index h = 0; h < 2; ++h) {
    const double gamma = 1 - std::exp2(-5 - static_cast<double>(h));
    Matd expected = sum.weights(0, h);
    for (Index i = 0; i < 9; ++i)
      for (Index j = 0; j < i; ++j) expected(i, j) *= std::pow(gamma, static_cast<double>(i - j));
    CHECK(distance(some.weights(0, h), expected) < 1e-13);
  }
}

TEST_CASE("recurrences of decayed attention refuse queries that are not beside their keys") {
  for (const char* variant : {"fast_weights", "retention"})
    CHECK_THROWS_WITH(run_of(variant, Config::map(), {.tq = 3, .tk = 5}).forward(),
                      ContainsSubstring("3 queries and 5 keys"));
}
