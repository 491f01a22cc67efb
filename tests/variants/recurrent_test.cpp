// Recurrent networks: what the reference numbers and the conformance suite do not cover.
#include <cmath>
#include <string>
#include <vector>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/variants/gradients.h"
#include "variants/parts/lstm_cell.h"
#include "variants/parts/recurrence.h"
#include "variants/parts/rnn_cell.h"

namespace heed {
namespace {

constexpr Index kBatch = 19, kTime = 9, kIn = 5,
                kHidden = 21;  // two groups of sequences, two rounds of lanes

// A recurrence on random inputs, with given states before the first token.
template <class Cell>
struct Cells {
  Params<double> params;
  Recurrence<Cell, double> recurrence;
  Step<double> step;
  Matrix<double> x = normal_matrix<double>(kBatch * kTime, kIn, 1, "x");
  Matrix<double> upstream = normal_matrix<double>(kBatch * kTime, kHidden, 1, "upstream");
  Matrix<double> first = normal_matrix<double>(kBatch, Cell::kStates* kHidden, 1, "states");
  Matrix<double> h = Matrix<double>::Zero(kBatch * kTime, kHidden),
                 dx = Matrix<double>::Zero(kBatch * kTime, kIn);

  explicit Cells(Cell cell = {}) : recurrence(cell, {.in = kIn, .hidden = kHidden}, params) {
    params.freeze();
    params.initialize(1);
  }
};

// The positions from .. from+n-1 of all sequences.
struct Part {
  Index from, n;
  Matrix<double> of(const Matrix<double>& all) const {
    Matrix<double> out(kBatch * n, all.cols());
    for (Index b = 0; b < kBatch; ++b) out.middleRows(b * n, n) = all.middleRows(b * kTime + from, n);
    return out;
  }
  void put(const Matrix<double>& part, Matrix<double>& all) const {
    for (Index b = 0; b < kBatch; ++b) all.middleRows(b * kTime + from, n) = part.middleRows(b * n, n);
  }
};

// Forward over the first positions and then over the others, which start from the states that the first ones
// end in; backward in the other order.
template <class Cell>
void require_chunks_equal_one_pass(Cell cell) {
  Cells<Cell> whole(cell);
  Matrix<double> states = whole.first, dstates = Matrix<double>::Zero(states.rows(), states.cols());
  whole.recurrence.forward(whole.step, {whole.x.data(), kBatch, kTime, kIn},
                           {whole.h.data(), kBatch, kTime, kHidden}, states.data());
  whole.recurrence.backward(whole.step, {whole.upstream.data(), kBatch, kTime, kHidden},
                            {whole.dx.data(), kBatch, kTime, kIn}, dstates.data());

  const Part parts[] = {{0, 4}, {4, kTime - 4}};
  Cells<Cell> early(cell), late(cell);  // one pass is in flight in each
  Matrix<double> passed = early.first, dpassed = Matrix<double>::Zero(passed.rows(), passed.cols());
  Cells<Cell>* const halves[] = {&early, &late};
  Matrix<double> x[2], h[2], dx[2], h_all = whole.h, dx_all = whole.dx;
  for (int i = 0; i < 2; ++i) {
    x[i] = parts[i].of(early.x);
    h[i] = Matrix<double>::Zero(kBatch * parts[i].n, kHidden);
    halves[i]->recurrence.forward(halves[i]->step, {x[i].data(), kBatch, parts[i].n, kIn},
                                  {h[i].data(), kBatch, parts[i].n, kHidden}, passed.data());
    parts[i].put(h[i], h_all);
  }
  CHECK(h_all == whole.h);
  CHECK(passed == states);
  for (int i = 1; i >= 0; --i) {
    const Matrix<double> upstream = parts[i].of(early.upstream);
    dx[i] = Matrix<double>::Zero(kBatch * parts[i].n, kIn);
    halves[i]->recurrence.backward(halves[i]->step, {upstream.data(), kBatch, parts[i].n, kHidden},
                                   {dx[i].data(), kBatch, parts[i].n, kIn}, dpassed.data());
    parts[i].put(dx[i], dx_all);
  }
  CHECK(dx_all == whole.dx);
  CHECK(dpassed == dstates);
  for (std::size_t i = 0; i < whole.params.grads().size(); ++i)
    REQUIRE(early.params.grads()[i] + late.params.grads()[i] ==
            Approx(whole.params.grads()[i]).epsilon(1e-10).margin(1e-10));
}

Config options_of(const std::string& variant, Index hidden = 0, bool bias = true) {
  Config c = Config::map();
  c.set("hidden", Config::integer(hidden));
  c.set("bias", Config::boolean(bias));
  Problems problems;
  return builtin().variant(variant).resolve(c, variant, problems);
}

Bench<double> bench_of(const std::string& variant, const Setup& setup = {.time = 7}) {
  static const Registry registry = builtin();
  return {registry.variant(variant), options_of(variant, 9), setup};
}

}  // namespace

TEST_CASE("recurrence: two chunks that pass their state give the bits of one pass") {
  require_chunks_equal_one_pass(RnnCell<double>{});
  require_chunks_equal_one_pass(RnnCell<double>{.relu = true});
  require_chunks_equal_one_pass(LstmCell<double>{});
}

TEST_CASE("recurrence: a group has the longest sequences first and knows which are running") {
  const Index starts[] = {0, 2, 2, 7, 12};  // lengths 2, 0, 5, 5
  const SequenceGroup group(Seq<const double>{nullptr, 4, 5, 1, starts}, 0, 1);
  CHECK(group.size() == 4);
  CHECK(group.longest() == 5);
  CHECK(group.sequence(0) == 2);
  CHECK(group.sequence(1) == 3);
  CHECK(group.sequence(3) == 1);
  CHECK(group.row(1, 4) == 11);
  CHECK(group.running(0) == 3);
  CHECK(group.running(1) == 3);
  CHECK(group.running(2) == 2);
  CHECK(group.running(5) == 0);
}

TEST_CASE("recurrence: groups divide a batch, and each thread gets one") {
  for (const int threads : {1, 2, 5})
    for (Index batch : {1, 4, 16, 17, 33, 100}) {
      CAPTURE(threads, batch);
      const Seq<const double> x{nullptr, batch, 3, 1};
      const Index groups = SequenceGroup::count(batch, threads);
      CHECK(groups >= std::min<Index>(threads, batch));
      Index next = 0;
      for (Index i = 0; i < groups; ++i) {
        const SequenceGroup group(x, i, groups);
        CHECK(group.sequence(0) == next);
        CHECK(group.size() <= SequenceGroup::kMost);
        next += group.size();
      }
      CHECK(next == batch);
    }
}

TEST_CASE("rnn and lstm: the bits of a batch of one group do not depend on the number of threads") {
  for (const char* variant : {"rnn", "lstm"}) {
    const auto run = [&](int threads) {
      static const Registry registry = builtin();
      Bench<float> bench(registry.variant(variant), options_of(variant, 9), {.batch = 7, .time = 9}, threads);
      bench.run();
      return std::pair(bench.y, bench.dx);
    };
    const auto one = run(1);
    for (const int threads : {2, 3, 8}) CHECK((run(threads) == one));
  }
}

TEST_CASE("rnn and lstm: with all weights zero the state stays zero and the output is its bias") {
  for (const char* variant : {"rnn", "lstm"}) {
    Bench<double> bench = bench_of(variant);
    for (const ParamInfo& p : bench.params.infos())
      if (p.name != "output.weight" && p.name != "output.bias") bench.params.find(p.name).value().setZero();
    bench.forward();
    const auto bias = bench.params.find("output.bias").value();
    CAPTURE(variant);
    CHECK((bench.y.rowwise() - bias.row(0)).isZero(0));
  }
}

TEST_CASE("rnn and lstm: saturated cells give finite outputs and gradients") {
  for (const char* variant : {"rnn", "lstm"})
    for (const double size : {50.0, 1e4, 1e300}) {
      Bench<double> bench = bench_of(variant);
      bench.params.find("input.bias").value() *= size;
      bench.run();
      CAPTURE(variant, size);
      CHECK(bench.y.allFinite());
      CHECK(bench.dx.allFinite());
      for (double g : bench.params.grads()) REQUIRE(std::isfinite(g));
    }
}

TEST_CASE("lstm: closed input gates and open forget gates keep the cell's state") {
  // i = 0, f = 1: c stays what it was, so does h = o tanh(c) with o = 1.
  Cells<LstmCell<double>> cells;
  Matrix<double> states = cells.first;
  cells.params.find("input.weight").value().setZero();
  cells.params.find("hidden.weight").value().setZero();
  cells.params.find("hidden.bias").value().setZero();
  Mat<double> bias = cells.params.find("input.bias").value();
  for (Index j = 0; j < 4 * kHidden; ++j) bias(0, j) = j < kHidden ? -800 : 800;
  cells.recurrence.forward(cells.step, {cells.x.data(), kBatch, kTime, kIn},
                           {cells.h.data(), kBatch, kTime, kHidden}, states.data());
  CHECK(states.rightCols(kHidden) == cells.first.rightCols(kHidden));
  for (Index b = 0; b < kBatch; ++b)
    CHECK((cells.h.row(b * kTime + kTime - 1).array() - cells.first.row(b).tail(kHidden).array().tanh())
              .abs()
              .maxCoeff() == 0);
}

TEST_CASE("rnn and lstm: both bias vectors get the same gradient") {
  for (const char* variant : {"rnn", "lstm"}) {
    Bench<double> bench = bench_of(variant);
    bench.run();
    CHECK(bench.params.find("input.bias").grad() == bench.params.find("hidden.bias").grad());
    CHECK_FALSE(bench.params.find("input.bias").grad().isZero());
  }
}

TEST_CASE("rnn and lstm: cells start uniform within 1 / sqrt(hidden), a raised forget gate above it") {
  const Registry registry = builtin();
  Config options = options_of("lstm", 100);
  options.set("forget_bias", Config::number(1));
  Params<double> params;
  const auto layer = registry.variant("lstm").make<double>(options, {.dim = 8, .context_dim = 8}, params);
  params.freeze();
  params.initialize(1);
  for (const char* name : {"input.weight", "hidden.weight", "hidden.bias"}) {
    const Mat<double> p = params.find(name).value();
    CAPTURE(name);
    CHECK(p.cwiseAbs().maxCoeff() <= 0.1);
    CHECK(p.cwiseAbs().maxCoeff() > 0.095);
    CHECK(p.maxCoeff() > 0.09);
    CHECK(p.minCoeff() < -0.09);
  }
  const Mat<double> bias = params.find("input.bias").value();
  CHECK(bias.middleCols(100, 100).minCoeff() >= 0.9);
  CHECK(bias.leftCols(100).cwiseAbs().maxCoeff() <= 0.1);
  CHECK(bias.rightCols(200).cwiseAbs().maxCoeff() <= 0.1);
}

TEST_CASE("rnn and lstm: model.bias concerns the output map, the option 'bias' the cell") {
  const Registry registry = builtin();
  for (const char* variant : {"rnn", "lstm"})
    for (const bool cell : {true, false})
      for (const bool model : {true, false}) {
        Params<double> params;
        const auto layer = registry.variant(variant).make<double>(
            options_of(variant, 0, cell), {.dim = 8, .context_dim = 8, .bias = model}, params);
        CAPTURE(variant, cell, model);
        CHECK(static_cast<bool>(params.find("input.bias")) == cell);
        CHECK(static_cast<bool>(params.find("hidden.bias")) == cell);
        CHECK(static_cast<bool>(params.find("output.bias")) == model);
      }
}

TEST_CASE("lstm: a raised forget gate without biases is refused") {
  Config c = Config::map();
  c.set("bias", Config::boolean(false));
  c.set("forget_bias", Config::number(1));
  Problems problems;
  builtin().variant("lstm").resolve(c, "lstm", problems);
  CHECK_FALSE(problems.empty());
}

TEST_CASE("rnn and lstm: positions that act on queries or scores are refused") {
  const Registry registry = builtin();
  for (const char* variant : {"rnn", "lstm"})
    for (const char* position : {"rope", "alibi"})
      CHECK_THROWS_WITH(Bench<double>(registry.variant(variant), options_of(variant),
                                      {.time = 7, .dim = 12, .position = &registry.position(position)}),
                        ContainsSubstring("no queries and keys"));
}

}  // namespace heed
