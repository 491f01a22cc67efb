// TTT-Linear: the dual form against the definition, and what is true of the layer by itself.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/variants/gradients.h"
#include "tests/variants/kernel_run.h"
#include "variants/parts/ttt_linear.h"

using namespace heed;
using namespace heed::test;

namespace {

Matd row_norm(const Matd& x) {
  Matd out = x;
  for (Index i = 0; i < x.rows(); ++i) {
    const Eigen::ArrayXd centered = x.row(i).array() - x.row(i).mean();
    out.row(i) = (centered / std::sqrt(centered.square().mean() + kTttEps)).matrix().transpose();
  }
  return out;
}

// One head with random numbers of this length, width and mini-batch.
struct Sequence {
  Sequence(Index time, Index f, Index mini_batch)
      : q(normal_matrix<double>(time, f, 1, "q")),
        k(normal_matrix<double>(time, f, 1, "k")),
        v(normal_matrix<double>(time, f, 1, "v")),
        eta(normal_matrix<double>(time, 1, 1, "eta").cwiseAbs()),
        scale(normal_matrix<double>(1, mini_batch, 1, "scale").cwiseAbs()),
        w(normal_matrix<double>(f, f, 1, "w", 0.5)),
        b(normal_matrix<double>(1, f, 1, "b", 0.5)),
        gain(normal_matrix<double>(1, f, 1, "gain")),
        bias(normal_matrix<double>(1, f, 1, "bias")) {}

  TttHead<double> head(Index from, Index rows) const {
    const auto view = [](const Matd& m) { return const_mat(m.data(), m.rows(), m.cols()); };
    const auto some = [&](const Matd& m) { return row_block(view(m), from, rows); };
    return {some(q), some(k), some(v), some(eta), view(scale), view(w), view(b), view(gain), view(bias)};
  }
  TttHead<double> head() const { return head(0, q.rows()); }

  Matd dual() const {
    Matd o(q.rows(), q.cols());
    Step<double> step;
    Memory<double> memory = step.memory();
    ttt_forward(head(), mat(o.data(), o.rows(), o.cols()), memory);
    return o;
  }

  Matd token_by_token() const {
    const Index f = q.cols();
    Matd o(q.rows(), f);
    std::vector<double> numbers(static_cast<std::size_t>(TttState<double>::size(f)));
    TttState<double> state(numbers.data(), f);
    state.start(head());
    Step<double> step;
    Memory<double> memory = step.memory();
    for (Index t = 0; t < q.rows(); ++t)
      ttt_step(head(t, 1), t % scale.cols(), state, mat(o.data() + t * f, 1, f), memory);
    return o;
  }

  // The definition: the gradient of each token by the chain rule, all sums in full.
  Matd definition() const {
    Matd o(q.rows(), q.cols()), entered_w = w, entered_b = b;
    const Index mini_batch = scale.cols();
    for (Index i = 0; i < q.rows(); ++i) {
      const Index first = i - i % mini_batch;
      Matd now_w = entered_w, now_b = entered_b;
      for (Index j = first; j <= i; ++j) {
        const Matd g = inner_gradient(j, entered_w, entered_b);
        now_w -= scale(0, i - first) * eta(j, 0) * k.row(j).transpose().lazyProduct(g);
        now_b -= scale(0, i - first) * eta(j, 0) * g;
      }
      const Matd z = row_norm(q.row(i).lazyProduct(now_w) + now_b);
      o.row(i) = q.row(i) + gain.cwiseProduct(z) + bias;
      if (i - first + 1 == mini_batch) entered_w = now_w, entered_b = now_b;
    }
    return o;
  }

  // The Jacobian of the norm is r (I - 1/f - z^T z / f).
  Matd inner_gradient(Index j, const Matd& at_w, const Matd& at_b) const {
    const Index f = q.cols();
    const Matd x = k.row(j).lazyProduct(at_w) + at_b, z = row_norm(x);
    const double variance = (x.array() - x.mean()).square().mean();
    const Matd p = gain.cwiseProduct(gain.cwiseProduct(z) + bias - v.row(j) + k.row(j));
    const Matd jacobian = Matd::Identity(f, f) - Matd::Constant(f, f, 1.0 / static_cast<double>(f)) -
                          z.transpose().lazyProduct(z) / static_cast<double>(f);
    return p.lazyProduct(jacobian) / std::sqrt(variance + kTttEps);
  }

  Matd q, k, v, eta, scale, w, b, gain, bias;
};

const VariantInfo& ttt() { return registry().variant("ttt_linear"); }
Config resolved(const Config& given) {
  Problems problems;
  Config out = ttt().resolve(given, "ttt_linear", problems);
  problems.throw_if_any();
  return out;
}

}  // namespace

TEST_CASE("ttt_linear: the dual form and the token-by-token form are the definition") {
  for (const Index time : {1, 5, 16, 17, 37})
    for (const Index mini_batch : {1, 2, 7, 16, 64})
      for (const Index f : {3, 5, 16}) {
        CAPTURE(time, mini_batch, f);
        const Sequence x(time, f, mini_batch);
        const Matd expected = x.definition();
        CHECK(distance(x.dual(), expected) < 1e-10);
        CHECK(distance(x.token_by_token(), expected) < 1e-10);
      }
}

TEST_CASE("ttt_linear: the gradient passes through several mini-batches") {
  for (const Index mini_batch : {2, 3, 4}) {
    Bench<double> bench(ttt(), resolved(options({{"mini_batch", whole(mini_batch)}})),
                        {.batch = 2, .time = 11, .heads = 2, .dim = 8});
    CAPTURE(mini_batch);
    CHECK(gradient_fault(bench) == "");
  }
}

TEST_CASE("ttt_linear: token by token the layer gives the same, with positions that rotate") {
  Bench<double> bench(
      ttt(), resolved(options({{"mini_batch", whole(5)}, {"gate", Config::boolean(true)}})),
      {.batch = 1, .time = 23, .heads = 2, .dim = 12, .position = &registry().position("rope")});
  bench.forward();
  const Matd parallel = bench.y;
  const auto decoder = bench.layer->decoder(1, 23);
  Matd decoded(23, 12);
  for (Index t = 0; t < 23; ++t) {
    bench.step.rewind();
    decoder->next(bench.step, {bench.x.data() + t * 12, 1, 1, 12}, {decoded.data() + t * 12, 1, 1, 12});
  }
  CHECK(distance(decoded, parallel) < 1e-10);
}

TEST_CASE("ttt_linear: without an inner learning rate a head is q + norm(q W + b)") {
  Sequence x(19, 5, 4);
  x.eta.setZero();
  Matd z = x.q.lazyProduct(x.w);
  z.rowwise() += x.b.row(0);
  Matd expected = row_norm(z);
  for (Index i = 0; i < 19; ++i) expected.row(i) = x.q.row(i) + expected.row(i).cwiseProduct(x.gain) + x.bias;
  CHECK(distance(x.dual(), expected) < 1e-13);
}

TEST_CASE("ttt_linear: the first token reads the weights that it has changed") {
  const Sequence x(1, 5, 16);
  const Matd g = x.inner_gradient(0, x.w, x.b);
  const double rate = x.scale(0, 0) * x.eta(0, 0);
  const Matd changed = x.q.lazyProduct(x.w - rate * x.k.transpose().lazyProduct(g)) + x.b - rate * g;
  const Matd o = x.dual();
  CHECK(distance(o, x.q + x.gain.cwiseProduct(row_norm(changed)) + x.bias) < 1e-13);
  Sequence still = x;
  still.eta.setZero();
  CHECK(distance(o, still.dual()) > 1e-2);
}

TEST_CASE("ttt_linear: a mini-batch as long as the sequence is batch gradient descent from W_0") {
  Sequence x(12, 4, 12);
  x.scale.setConstant(0.25);
  Matd dw = Matd::Zero(4, 4), db = Matd::Zero(1, 4);
  for (Index j = 0; j < 12; ++j) {
    const Matd g = x.eta(j, 0) * x.inner_gradient(j, x.w, x.b);
    dw += x.k.row(j).transpose().lazyProduct(g), db += g;
  }
  const Matd z = row_norm(x.q.row(11).lazyProduct(x.w - 0.25 * dw) + x.b - 0.25 * db);
  const Matd last = x.q.row(11) + x.gain.cwiseProduct(z) + x.bias;
  CHECK(distance(x.dual().row(11), last) < 1e-12);
}

TEST_CASE(
    "ttt_linear: a value has no influence before its mini-batch is learned, but on its own token's place "
    "on") {
  const Sequence x(12, 4, 4);
  Sequence changed = x;
  changed.v.row(6).array() += 1;
  const Matd a = x.dual(), b = changed.dual();
  CHECK(a.topRows(6) == b.topRows(6));
  CHECK((a.row(6) - b.row(6)).cwiseAbs().maxCoeff() > 1e-3);
  CHECK((a.row(8) - b.row(8)).cwiseAbs().maxCoeff() > 1e-3);
}

TEST_CASE("ttt_linear: positions begin again in each mini-batch") {
  const auto output = [](Index mini_batch, const PositionInfo* position) {
    Bench<double> bench(ttt(), resolved(options({{"mini_batch", whole(mini_batch)}})),
                        {.batch = 2, .time = 9, .heads = 2, .dim = 12, .position = position});
    bench.forward();
    return bench.y;
  };
  const PositionInfo* rope = &registry().position("rope");
  const Matd turned = output(4, rope), still = output(4, nullptr);
  for (const Index t : {0, 9}) CHECK(turned.row(t) == still.row(t));  // the first token of each sequence
  CHECK(turned.row(1) != still.row(1));
  CHECK_THROWS_WITH(output(1, rope), ContainsSubstring("mini_batch: 1"));
}

TEST_CASE("ttt_linear: scales start at 1 / i, the initial weights at 0.02 and the biases at 0") {
  Params<double> params;
  const LayerSpec<double> spec{.dim = 64, .context_dim = 64, .heads = 2, .length = 8};
  const auto layer = ttt().make<double>(resolved({}), spec, params);
  params.freeze();
  params.initialize(1);
  const Mat<double> w = params.find("fast.weight").value();
  CHECK(std::abs(std::sqrt(w.array().square().mean()) - 0.02) < 1e-3);
  for (const char* zero : {"fast.bias", "fast.norm_bias", "fast.scale", "rate.bias"})
    CHECK(params.find(zero).value().isZero(0));
  CHECK(params.find("fast.norm_gain").value().isOnes(0));
}

TEST_CASE("ttt_linear refuses what it cannot learn from") {
  Params<double> params;
  LayerSpec<double> spec{.dim = 12, .context_dim = 12, .heads = 6, .length = 8};
  CHECK_THROWS_WITH(ttt().make<double>(resolved({}), spec, params), ContainsSubstring("at least 3 channels"));
  spec.heads = 3;
  spec.causality.causal = false;
  CHECK_THROWS_WITH(ttt().make<double>(resolved({}), spec, params), ContainsSubstring("causal mask"));
  spec.causality.causal = true;
  const Slopes alibi(0.5);
  spec.position = &alibi;
  CHECK_THROWS_WITH(ttt().make<double>(resolved({}), spec, params), ContainsSubstring("alibi"));
}
