#include <cstring>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12;    // sums of at most a hundred terms of size one
constexpr double kDifferences = 1e-8;  // central differences at step 1e-5, relative to the largest gradient

double tau(Index width) { return 1 / std::sqrt(static_cast<double>(width)); }

auto causal(Index offset) {
  return [offset](Index, Index i, Index j) { return j <= i + offset; };
}

const std::vector<Sizes> kShapes = {
    {.tq = 1, .tk = 1},
    {.tq = 7, .tk = 7, .value = 3},
    {.tq = 13, .tk = 13, .causality = {.causal = false}},
    {.tq = 5, .tk = 11, .causality = {.causal = false}},
    {.tq = 11, .tk = 4, .causality = {.causal = false}, .slope = 0.1},
    {.tq = 5, .tk = 12, .slope = 0.25},
    {.tq = 5, .tk = 12, .causality = {.causal = true, .offset = 0}},
    {.tq = 9, .tk = 6},                                                // the first rows see nothing
    {.tq = 9, .tk = 6, .causality = {.causal = true, .offset = -20}},  // nobody sees anything
    {.tq = 67, .tk = 70, .width = 3, .value = 5, .slope = 0.01},
};

bool shows(const Sizes& s, Index i, Index j) { return !resolve(s.causality, s.tq, s.tk).hides(i, j); }

}  // namespace

TEST_CASE("softmax of two tokens, by hand") {
  // q.k = 0, so the weights are 1/2, 1/2; dp = do v^T = (1, 3), D = 2, ds = (-1/2, 1/2)
  KernelRun run(
      "softmax", options({{"scale", Config::number(1)}}),
      {.batch = 1, .heads = 1, .tq = 1, .tk = 2, .width = 1, .value = 1, .causality = {.causal = false}});
  run.q = {0}, run.k = {1, 2}, run.v = {1, 3}, run.upstream = {1};
  run.run();
  CHECK(run.o[0] == 2);
  CHECK(run.dv == std::vector<double>{0.5, 0.5});
  CHECK(run.dq == std::vector<double>{-0.5 * 1 + 0.5 * 2});
  CHECK(run.dk == std::vector<double>{0, 0});
  CHECK(run.weights(0, 0) == Matd::Constant(1, 2, 0.5));
}

TEST_CASE("softmax: tiled softmax agrees with the book for every tile size") {
  for (const Sizes& s : kShapes)
    for (Index tile : {1, 2, 3, 5, 8, 64, 1000}) {
      CAPTURE(s.tq, s.tk, s.causality.causal, tile);
      KernelRun run("softmax", options({{"tile", whole(tile)}}), s);
      CHECK(distance_from_naive(run, tau(s.width), [&](Index, Index i, Index j) { return shows(s, i, j); }) <
            kRounding);
    }
}

TEST_CASE("softmax: the comparison with the book notices a single wrong pair") {
  const Sizes s{.tq = 7, .tk = 7};
  KernelRun run("softmax", options({{"tile", whole(3)}}), s);
  CHECK(distance_from_naive(run, tau(s.width),
                            [](Index, Index i, Index j) { return j <= i && !(i == 5 && j == 1); }) > 1e-3);
}

TEST_CASE("softmax gradients agree with central differences") {
  for (const Sizes& s : kShapes) {
    if (s.tq > 20) continue;
    CAPTURE(s.tq, s.tk, s.causality.causal);
    KernelRun run("softmax", options({{"tile", whole(4)}}), s);
    CHECK(distance_from_differences(run) < kDifferences);
  }
}

TEST_CASE("softmax backward adds") {
  KernelRun run("softmax", options({{"tile", whole(2)}}), {});
  run.run();
  const std::vector<double> once = run.dk;
  run.add_backward();
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(run.dk[i] == 2 * once[i]);
}

TEST_CASE("softmax: a query that sees no key has output zero and no gradient") {
  KernelRun run("softmax", options({{"tile", whole(4)}}), {.tq = 9, .tk = 6});  // rows 0, 1, 2
  run.run();
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) {
      CHECK(run.head(run.o, 9, 4, b, h).topRows(3).isZero(0));
      CHECK(run.head(run.dq, 9, 4, b, h).topRows(3).isZero(0));
      CHECK(run.weights(b, h).topRows(3).isZero(0));
      CHECK(run.weights(b, h).bottomRows(6).rowwise().sum().isOnes(kRounding));
    }
}

TEST_CASE("softmax: the first row of causal softmax is the first value, exactly") {
  KernelRun run("softmax", {}, {});
  run.run();
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) {
      CHECK(run.head(run.o, 5, 4, b, h).row(0) == run.head(run.v, 5, 4, b, h).row(0));
      CHECK(run.head(run.dq, 5, 4, b, h).row(0).isZero(kRounding));
    }
}

TEST_CASE("softmax: invisible keys change nothing, bit for bit") {
  for (Index tile : {1, 3, 64}) {
    KernelRun run("softmax", options({{"tile", whole(tile)}}), {.batch = 1, .tq = 9, .tk = 9});
    run.run();
    const Matd o = run.head(run.o, 9, 4, 0, 1), dq = run.head(run.dq, 9, 4, 0, 1);
    for (Index c = 0; c < 4; ++c)
      run.heads(run.k, 9, 4)(0, 1)(6, c) += 3, run.heads(run.v, 9, 4)(0, 1)(6, c) -= 50;
    run.run();
    CHECK(run.head(run.o, 9, 4, 0, 1).topRows(6) == o.topRows(6));
    CHECK(run.head(run.dq, 9, 4, 0, 1).topRows(6) == dq.topRows(6));
    CHECK(run.head(run.o, 9, 4, 0, 1).row(6) != o.row(6));
  }
}

TEST_CASE("softmax: a vector added to all keys changes nothing, and key gradients sum to zero") {
  KernelRun run("softmax", options({{"tile", whole(3)}}), {.tq = 8, .tk = 8});
  run.run();
  const std::vector<double> before = run.o;
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) CHECK(run.head(run.dk, 8, 4, b, h).colwise().sum().isZero(kRounding));
  for (std::size_t i = 0; i < run.k.size(); ++i) run.k[i] += 0.5 * static_cast<double>(i % 8);
  run.forward();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(std::abs(run.o[i] - before[i]) < 1e-11);
}

TEST_CASE("softmax: a head has the same bits by itself and among others") {
  // odd widths: the heads of one sequence start at odd addresses
  const Sizes many{.batch = 3, .heads = 3, .tq = 11, .tk = 11, .width = 5, .value = 5};
  Sizes one = many;
  one.batch = 1, one.heads = 1;
  KernelRun all("softmax", options({{"tile", whole(4)}}), many);
  all.run();
  for (Index b = 0; b < 3; ++b)
    for (Index h = 0; h < 3; ++h) {
      KernelRun single("softmax", options({{"tile", whole(4)}}), one);
      const auto copy = [&](std::vector<double>& from, std::vector<double>& to) {
        single.heads(to, 11, 5)(0, 0) = all.heads(from, 11, 5)(b, h);
      };
      copy(all.q, single.q), copy(all.k, single.k), copy(all.v, single.v),
          copy(all.upstream, single.upstream);
      single.run();
      CHECK(single.head(single.o, 11, 5, 0, 0) == all.head(all.o, 11, 5, b, h));
      CHECK(single.head(single.dq, 11, 5, 0, 0) == all.head(all.dq, 11, 5, b, h));
      CHECK(single.head(single.dk, 11, 5, 0, 0) == all.head(all.dk, 11, 5, b, h));
      CHECK(single.head(single.dv, 11, 5, 0, 0) == all.head(all.dv, 11, 5, b, h));
    }
}

TEST_CASE("softmax: huge scores give one-hot weights and finite gradients") {
  KernelRun run("softmax", options({{"tile", whole(3)}, {"scale", Config::number(1)}}),
                {.batch = 1, .heads = 1, .tq = 8, .tk = 8, .width = 1, .value = 1});
  for (double size : {1e3, 1e4, 1e150}) {
    for (Index i = 0; i < 8; ++i) {
      run.q[static_cast<std::size_t>(i)] = i % 3 == 0 ? 0 : size;
      run.k[static_cast<std::size_t>(i)] = static_cast<double>((i * 5) % 4);  // exact ties
    }
    if (size < 1e5) CHECK(distance_from_naive(run, 1, causal(0)) < 1e-12 * size);
    run.run();
    for (const auto* x : {&run.o, &run.dq, &run.dk, &run.dv})
      for (double value : *x) CHECK(std::isfinite(value));
  }
}

TEST_CASE("softmax memory is linear in the length") {
  const auto reserved = [](Index n) {
    KernelRun run("softmax", {}, {.batch = 1, .heads = 1, .tq = n, .tk = n});
    run.run();
    return run.step.reserved();
  };
  const std::size_t small = reserved(1024), large = reserved(4096);
  CHECK(large <= 4 * small + (std::size_t{1} << 16));
  CHECK(large < 4096 * 4096 * sizeof(double) / 10);
}

TEST_CASE("softmax: bad widths are refused") {
  LayerSpec<double> spec{.dim = 10, .context_dim = 10, .heads = 3, .length = 4};
  Params<double> params;
  CHECK_THROWS_WITH(registry().variant("softmax").make_kernel({}, spec, params),
                    ContainsSubstring("'heads' is 3 but must divide 'dim' (10)"));
  const Config widths = options({{"key_width", whole(2)}, {"value_width", whole(5)}});
  const auto kernel = registry().variant("softmax").make_kernel(widths, spec, params);
  CHECK(kernel->shape().key == 2);
  CHECK(kernel->shape().value == 5);
}

namespace {

// To all heads that read it, each key head of `shared`.
void repeat_heads(const KernelRun& run, std::vector<double>& shared, std::vector<double>& repeated) {
  const Heads<double> from = run.heads(shared, run.sizes.tk, 4), to = run.heads(repeated, run.sizes.tk, 4);
  for (Index b = 0; b < to.batch; ++b)
    for (Index h = 0; h < to.heads; ++h) to(b, h) = from(b, h / (to.heads / from.heads));
}

}  // namespace

TEST_CASE("softmax: heads that share keys are heads with a copy of them, and their gradients add up") {
  for (Index key_heads : {1, 2, 3})
    for (const Causality& causality : {Causality{true, {}}, Causality{false, {}}}) {
      const Sizes s{.heads = 6, .tq = 7, .tk = 9, .causality = causality, .slope = 0.1};
      KernelRun grouped("softmax", options({{"tile", whole(4)}, {"key_heads", whole(key_heads)}}), s);
      KernelRun copies("softmax", options({{"tile", whole(4)}}), s);
      CAPTURE(key_heads, causality.causal);
      REQUIRE(grouped.k.size() * 6 == copies.k.size() * static_cast<std::size_t>(key_heads));
      copies.q = grouped.q, copies.upstream = grouped.upstream;
      repeat_heads(copies, grouped.k, copies.k), repeat_heads(copies, grouped.v, copies.v);
      grouped.run(), copies.run();
      CHECK(grouped.o == copies.o);
      CHECK(grouped.dq == copies.dq);
      for (Index h = 0; h < 6; ++h) CHECK(grouped.weights(1, h) == copies.weights(1, h));
      const Index group = 6 / key_heads;
      for (Index b = 0; b < s.batch; ++b)
        for (Index kh = 0; kh < key_heads; ++kh) {
          Matd dk = Matd::Zero(s.tk, 4), dv = Matd::Zero(s.tk, 4);
          for (Index h = kh * group; h < (kh + 1) * group; ++h) {
            dk += copies.heads(copies.dk, s.tk, 4)(b, h);
            dv += copies.heads(copies.dv, s.tk, 4)(b, h);
          }
          CHECK(distance(grouped.heads(grouped.dk, s.tk, 4)(b, kh), dk) < kRounding);
          CHECK(distance(grouped.heads(grouped.dv, s.tk, 4)(b, kh), dv) < kRounding);
        }
    }
}

TEST_CASE("softmax: key_heads that do not divide heads are refused with both numbers") {
  const LayerSpec<float> spec{.dim = 8, .context_dim = 8, .heads = 4};
  Params<float> params;
  CHECK_THROWS_WITH(
      registry().variant("softmax").make<float>(options({{"key_heads", whole(3)}}), spec, params),
      "'key_heads' is 3 but must divide 'heads' (4).");
}

TEST_CASE("softmax: a layer with fewer key heads has smaller maps and keeps less when decoding") {
  const LayerSpec<float> spec{.dim = 24, .context_dim = 24, .heads = 4, .length = 16};
  const auto made = [&](Index key_heads, Params<float>& params) {
    return registry().variant("softmax").make<float>(options({{"key_heads", whole(key_heads)}}), spec,
                                                     params);
  };
  Params<float> all, one;
  const auto full = made(0, all), single = made(1, one);
  CHECK(all.find("key.weight").cols() == 24);
  CHECK(one.find("key.weight").cols() == 6);
  CHECK(one.find("value.weight").cols() == 6);
  CHECK(full->cost(16, 16).state_bytes == 4 * 16 * 4 * (6 + 6));
  CHECK(single->cost(16, 16).state_bytes == 4 * 16 * (6 + 6));
  CHECK(full->cost(16, 16).flops - single->cost(16, 16).flops == 2 * 16 * 24 * 2 * (24 - 6));
}
