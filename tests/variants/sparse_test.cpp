#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12;    // sums of at most a hundred terms of size one
constexpr double kDifferences = 1e-8;  // central differences at step 1e-5, relative to the largest gradient

double tau(const KernelRun& run) { return 1 / std::sqrt(static_cast<double>(run.key)); }

using Seen = std::function<bool(KernelRun& run, Index h, Index p, Index j)>;

// A mixer, and who sees whom at equal lengths (p: the query's position), apart from the causal mask.
struct Sparse {
  std::string variant;
  Config options;
  Seen seen;
  bool cross = false, bidirectional = false;
};

bool in_window(Index p, Index j) { return std::abs(p - j) <= 3; }
bool near(Index p, Index j) { return p - j >= 0 && p - j < 3; }
bool far(Index p, Index j) { return p >= j && (p - j) % 3 == 0; }

bool bird_sees(KernelRun& run, Index h, Index p, Index j) {
  const Index length = std::max(run.sizes.tq, run.sizes.tk), blocks = (length + 1) / 2, I = p / 2, J = j / 2;
  const auto ends = [&](Index b) { return b == 0 || b == blocks - 1; };
  const Mat<double> random = run.params.find("random_blocks").value();
  return std::abs(I - J) <= 1 || ends(I) || ends(J) || random(h * blocks + I, 0) == static_cast<double>(J);
}

std::vector<Sparse> sparse_mixers() {
  const auto text = [](const char* s) { return Config::scalar(s); };
  return {
      {"window", options({{"size", whole(3)}}),
       [](KernelRun&, Index, Index p, Index j) { return in_window(p, j); }, true, true},
      {"window", options({{"left", whole(4)}, {"right", whole(0)}, {"global", whole({0, 5, 99})}}),
       [](KernelRun&, Index, Index p, Index j) {
         return (j <= p && p - j <= 4) || p == 0 || p == 5 || j == 0 || j == 5;
       },
       true, true},
      {"strided", options({{"stride", whole(3)}, {"mode", text("merged")}}),
       [](KernelRun&, Index, Index p, Index j) { return near(p, j) || far(p, j); }},
      {"strided", options({{"stride", whole(3)}, {"mode", text("strided")}}),
       [](KernelRun&, Index, Index p, Index j) { return far(p, j); }},
      {"strided", options({{"stride", whole(3)}, {"mode", text("split")}}),
       [](KernelRun&, Index h, Index p, Index j) { return h % 2 == 0 ? near(p, j) : far(p, j); }},
      {"fixed", options({{"segment", whole(4)}, {"summary", whole(1)}, {"slots", whole(2)}}),
       [](KernelRun&, Index h, Index p, Index j) { return p / 4 == j / 4 || j % 4 == 3 - h % 2; }},
      {"bigbird", options({{"block", whole(2)}, {"random", whole(1)}}), bird_sees, false, true},
  };
}

// Calls f(run, visible) for every mixer at several lengths, masks and tile sizes.
template <class F>
void for_each_run(const std::vector<Index>& tiles, F&& f, Index longest = 70) {
  for (Sparse& mixer : sparse_mixers())
    for (const Sizes& s : std::vector<Sizes>{{.heads = 3, .tq = 1, .tk = 1},
                                             {.heads = 3, .tq = 7, .tk = 7, .value = 3},
                                             {.tq = 14, .tk = 14, .causality = {.causal = false}},
                                             {.tq = 13, .tk = 13, .slope = 0.2},
                                             {.batch = 1, .tq = 70, .tk = 70},
                                             {.tq = 5, .tk = 9},
                                             {.tq = 9, .tk = 5},
                                             {.tq = 9, .tk = 5, .causality = {.causal = false}}}) {
      if ((!s.causality.causal && !mixer.bidirectional) || (s.tq != s.tk && !mixer.cross) || s.tq > longest)
        continue;
      for (Index tile : tiles) {
        mixer.options.set("tile", whole(tile));
        CAPTURE(mixer.variant, mixer.options.canonical(), s.tq, s.tk, s.causality.causal);
        KernelRun run(mixer.variant, mixer.options, s);
        f(run, [&](Index h, Index i, Index j) {
          const Mask mask = run.mask();
          return !mask.hides(i, j) && mixer.seen(run, h, i + (mask.causal ? mask.offset : 0), j);
        });
      }
    }
}

}  // namespace

TEST_CASE("sparse attention agrees with the book under its mask, for every tile size") {
  for_each_run({1, 2, 3, 8, 64, 1000}, [](KernelRun& run, const auto& visible) {
    CHECK(distance_from_naive(run, tau(run), visible) < kRounding);
    for (Index b = 0; b < run.sizes.batch; ++b)  // a pair is visible exactly if it has weight
      for (Index h = 0; h < run.sizes.heads; ++h) {
        const Matd p = run.weights(b, h);
        Index wrong = 0;
        for (Index i = 0; i < p.rows(); ++i)
          for (Index j = 0; j < p.cols(); ++j) wrong += (p(i, j) > 0) != visible(h, i, j);
        CHECK(wrong == 0);
      }
  });
}

TEST_CASE("sparse gradients agree with central differences") {
  for_each_run(
      {3}, [](KernelRun& run, const auto&) { CHECK(distance_from_differences(run) < kDifferences); }, 13);
}

TEST_CASE("sparse attention costs two flops for each visible pair and channel") {
  for_each_run({4}, [](KernelRun& run, const auto& visible) {
    double pairs = 0;
    for (Index h = 0; h < run.sizes.heads; ++h)
      for (Index i = 0; i < run.sizes.tq; ++i)
        for (Index j = 0; j < run.sizes.tk; ++j) pairs += visible(h, i, j);
    // where blocks are drawn, a cost is asked for before they are
    const double flops = run.kernel->cost(run.sizes.tq, run.sizes.tk).flops;
    CHECK(flops == Approx(2 * pairs * 8).epsilon(run.params.size() ? 0.3 : 1e-12));
  });
}

TEST_CASE("sparse: an invisible key or value changes nothing, bit for bit") {
  for_each_run({3, 64}, [](KernelRun& run, const auto& visible) {
    const Sizes& s = run.sizes;
    run.run();
    const std::vector<double> o = run.o, dq = run.dq;
    const Index changed = s.tk / 2;
    for (Index c = 0; c < run.key; ++c) run.heads(run.k, s.tk, run.key)(0, 1)(changed, c) += 2;
    for (Index c = 0; c < s.value; ++c) run.heads(run.v, s.tk, s.value)(0, 1)(changed, c) += 2;
    run.run();
    Index wrong = 0;
    for (Index i = 0; i < s.tq; ++i) {
      if (visible(1, i, changed)) continue;
      wrong += run.head(run.o, s.tq, s.value, 0, 1).row(i) !=
               Matd(Heads<const double>{o.data(), s.batch, s.heads, s.tq, s.value}(0, 1)).row(i);
      wrong += run.head(run.dq, s.tq, run.key, 0, 1).row(i) !=
               Matd(Heads<const double>{dq.data(), s.batch, s.heads, s.tq, run.key}(0, 1)).row(i);
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("sparse: key gradients sum to zero under every pattern") {
  for_each_run({5}, [](KernelRun& run, const auto&) {
    run.run();
    CHECK(run.head(run.dk, run.sizes.tk, run.key, 0, 1).colwise().sum().isZero(1e-11));
  });
}

TEST_CASE("sparse: a pattern that shows everything is dense attention, bit for bit") {
  for (bool causal : {true, false}) {
    const Sizes s{.tq = 13, .tk = 13, .causality = {.causal = causal}, .slope = 0.1};
    const auto same = [&](const std::string& variant, Config chosen) {
      chosen.set("tile", whole(4));
      KernelRun sparse(variant, chosen, s), dense("softmax", options({{"tile", whole(4)}}), s);
      sparse.run(), dense.run();
      CAPTURE(variant, causal);
      CHECK((sparse.o == dense.o));
      CHECK((sparse.dq == dense.dq));
      CHECK((sparse.dk == dense.dk));
      CHECK((sparse.dv == dense.dv));
    };
    same("window", options({{"size", whole(13)}}));
    if (causal) same("window", options({{"left", whole(13)}, {"right", whole(0)}}));
    if (causal) same("strided", options({{"stride", whole(1)}, {"mode", Config::scalar("strided")}}));
    if (causal) same("strided", options({{"stride", whole(13)}}));
    if (causal) same("fixed", options({{"segment", whole(13)}}));
  }
}

TEST_CASE(
    "sparse: two strided layers reach every earlier position when the stride is near the root of the "
    "length") {
  KernelRun run("strided", options({{"stride", whole(5)}}), {.batch = 1, .heads = 1, .tq = 25, .tk = 25});
  run.forward();
  const Matd reach = run.weights(0, 0) * run.weights(0, 0);
  for (Index i = 0; i < 25; ++i)
    for (Index j = 0; j < 25; ++j) CHECK((reach(i, j) > 0) == (j <= i));
}

TEST_CASE("sparse: dead tiles are skipped, not masked: not even NaN gets out of them") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto finite_rows = [&](const std::string& variant, const Config& chosen, Index poisoned, Index from) {
    KernelRun run(variant, chosen, {.batch = 1, .heads = 1, .tq = 64, .tk = 64});
    for (Index c = 0; c < 4; ++c)
      run.heads(run.k, 64, 4)(0, 0)(poisoned, c) = run.heads(run.v, 64, 4)(0, 0)(poisoned, c) = nan;
    run.forward();
    CHECK_FALSE(run.head(run.o, 64, 4, 0, 0).row(poisoned).allFinite());
    return run.head(run.o, 64, 4, 0, 0).bottomRows(64 - from).allFinite();
  };
  CHECK(finite_rows("window", options({{"size", whole(4)}, {"tile", whole(4)}}), 20, 28));
  CHECK(finite_rows("fixed", options({{"segment", whole(8)}, {"tile", whole(8)}}), 20, 24));
  CHECK(finite_rows("bigbird", options({{"block", whole(4)}, {"random", whole(0)}, {"tile", whole(4)}}), 20,
                    28) == false);  // the last block sees everything
  CHECK_FALSE(finite_rows("window", options({{"size", whole(4)}, {"tile", whole(64)}}), 20, 28));
}

TEST_CASE("sparse memory is linear in the length") {
  for (const Sparse& mixer : sparse_mixers()) {
    const auto reserved = [&](Index n) {
      KernelRun run(mixer.variant, mixer.options, {.batch = 1, .heads = 1, .tq = n, .tk = n});
      run.run();
      return run.step.reserved();
    };
    const std::size_t small = reserved(512), large = reserved(2048);
    CAPTURE(mixer.variant, small, large);
    CHECK(large <= 4 * small + (std::size_t{1} << 16));
    CHECK(large < 2048 * 2048 * sizeof(double) / 10);
  }
}

TEST_CASE("sparse: huge scores leave sparse attention finite") {
  for_each_run({3}, [](KernelRun& run, const auto&) {
    for (auto* x : {&run.q, &run.k})
      for (double& y : *x) y *= 100;
    run.run();
    for (const auto* x : {&run.o, &run.dq, &run.dk, &run.dv})
      CHECK(std::all_of(x->begin(), x->end(), [](double y) { return std::isfinite(y); }));
  });
}

TEST_CASE("sparse: random blocks avoid what is seen anyway, differ by head and are saved, not trained") {
  const Config chosen = options({{"block", whole(4)}, {"random", whole(2)}});
  KernelRun run("bigbird", chosen, {.heads = 3, .tq = 38, .tk = 38});  // 10 blocks, the last one short
  const Param<double> table = run.params.find("random_blocks");
  REQUIRE(table.rows() == 30);
  CHECK(count(run.params) == 0);
  CHECK(run.params.infos()[0].role == Role::fixed);
  for (Index row = 0; row < 30; ++row) {
    const Index I = row % 10;
    std::set<double> drawn;
    for (Index n = 0; n < 2; ++n) {
      const double J = table.value()(row, n);
      if (I == 0 || I == 9) {
        CHECK(J == 0);
        continue;
      }
      CHECK((J > 0 && J < 9 && std::abs(J - static_cast<double>(I)) > 1));
      CHECK(drawn.insert(J).second);
    }
  }
  CHECK(Matd(table.value().topRows(10)) != Matd(table.value().middleRows(10, 10)));

  Params<float> floats;
  const LayerSpec<float> spec{.dim = 12, .context_dim = 12, .heads = 3, .length = 38};
  const auto layer = registry().variant("bigbird").make<float>(chosen, spec, floats);
  floats.freeze(), floats.initialize(1);
  CHECK(Matd(floats.find("random_blocks").value().cast<double>()) == Matd(table.value()));
}

TEST_CASE(
    "sparse: a changed table of random blocks is noticed, and a shorter sequence has its own last block") {
  const Config chosen = options({{"block", whole(2)}, {"random", whole(1)}});
  KernelRun run("bigbird", chosen,
                {.batch = 1, .heads = 1, .tq = 20, .tk = 20, .causality = {.causal = false}});
  const auto sees = [&](Index i, Index j) { return run.weights(0, 0)(i, j) > 0; };
  Mat<double> table = run.params.find("random_blocks").value();
  for (Index J : {6, 7}) {
    table(3, 0) = static_cast<double>(J);
    run.forward();
    CHECK(sees(6, 12) == (J == 6));
    CHECK(sees(7, 15) == (J == 7));
  }
  run.sizes.tq = run.sizes.tk = 11;  // the last block is block 5, of one position
  run.run();
  for (Index i = 0; i < 11; ++i) {
    CHECK(sees(i, 10));
    CHECK(sees(10, i));
  }
  CHECK_FALSE(sees(6, 2));
}

TEST_CASE("sparse mixers refuse what makes no sense") {
  const auto problems = [](const std::string& variant, const Config& chosen) {
    Problems found;
    registry().variant(variant).resolve(chosen, variant, found);
    return found.size();
  };
  CHECK(problems("window", options({{"global", whole({0, -1})}})) == 1);
  CHECK(problems("fixed", options({{"segment", whole(4)}, {"summary", whole(3)}, {"slots", whole(2)}})) == 1);
  CHECK(problems("fixed", options({{"segment", whole(4)}, {"summary", whole(2)}, {"slots", whole(2)}})) == 0);
  CHECK(problems("strided", options({{"mode", Config::scalar("both")}})) == 1);
  CHECK(problems("bigbird", options({{"block", whole(0)}})) == 1);
}
