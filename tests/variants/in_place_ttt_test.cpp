// In-Place TTT: the feed-forward whose down matrix learns, beside swiglu and its definition.
#include "variants/parts/in_place_ttt.h"

#include <string>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/variants/gradients.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

const VariantInfo& in_place() { return registry().variant("in_place_ttt"); }
Config resolved(const Config& given) {
  Problems problems;
  Config out = in_place().resolve(given, "in_place_ttt", problems);
  problems.throw_if_any();
  return out;
}
Config small(Index chunk, double lr = 0.7) {
  return resolved(options({{"width", whole(9)}, {"chunk", whole(chunk)}, {"lr", Config::number(lr)}}));
}
// Tokens and embeddings of the same length, as the block gives them.
Setup with_embeddings(Index time) {
  return {.batch = 2, .time = time, .dim = 6, .cross = true, .context_time = time, .context_dim = 6};
}

// The definition, token by token: o_i = z_i W_c, and after a chunk W += lr z_j^T t_j for each of its tokens.
Matd definition(Bench<double>& bench, Index sequence, Index chunk, double lr) {
  const Index time = bench.setup.time, dim = bench.setup.dim;
  const auto value = [&](const char* name) { return Matd(bench.params.find(name).value()); };
  const auto mapped = [&](const char* name) {
    Matd out =
        bench.x.middleRows(sequence * time, time).lazyProduct(value((std::string(name) + ".weight").c_str()));
    out.rowwise() += value((std::string(name) + ".bias").c_str()).row(0);
    return out;
  };
  const Matd g = mapped("gate"), e = bench.context.middleRows(sequence * time, time);
  const Matd z = (g.array() / (1 + (-g.array()).exp()) * mapped("up").array()).matrix();
  const Matd filter = value("target.filter");
  Matd w = value("down.weight"), o(time, dim);
  for (Index from = 0; from < time; from += chunk) {
    const Index end = std::min(from + chunk, time);
    Matd learned = w;
    for (Index i = from; i < end; ++i) {
      o.row(i) = z.row(i).lazyProduct(w) + value("down.bias");
      Matd seen = Matd::Zero(1, dim);
      for (Index tap = 0; tap < filter.rows(); ++tap)
        if (const Index at = i + tap - filter.rows() / 2; at >= from && at < end)
          seen += e.row(at).cwiseProduct(filter.row(tap));
      learned += lr * z.row(i).transpose().lazyProduct(seen.lazyProduct(value("target.weight")));
    }
    w = learned;
  }
  return o;
}

}  // namespace

TEST_CASE("in_place_ttt: the chunks are the definition") {
  for (const Index time : {1, 4, 5, 13})
    for (const Index chunk : {1, 2, 4, 64}) {
      Bench<double> bench(in_place(), small(chunk), with_embeddings(time));
      bench.forward();
      CAPTURE(time, chunk);
      for (Index b = 0; b < 2; ++b)
        CHECK(distance(bench.y.middleRows(b * time, time), definition(bench, b, chunk, 0.7)) < 1e-10);
    }
}

TEST_CASE("in_place_ttt: gradients of tokens, embeddings and parameters agree with central differences") {
  for (const Index chunk : {1, 3, 4})
    for (const Index filter : {1, 3, 9})
      for (const bool projection : {true, false}) {
        Bench<double> bench(in_place(),
                            resolved(options({{"width", whole(5)},
                                              {"chunk", whole(chunk)},
                                              {"convolution", whole(filter)},
                                              {"projection", Config::boolean(projection)}})),
                            with_embeddings(10));
        CAPTURE(chunk, filter, projection);
        CHECK(gradient_fault(bench) == "");
      }
}

TEST_CASE("in_place_ttt: without learning it is swiglu, to the bit") {
  for (const Index chunk : {1, 4, 64}) {
    Bench<float> learns(in_place(), small(chunk, 0), with_embeddings(13));
    Bench<float> plain(registry().variant("swiglu"), options({{"width", whole(9)}}),
                       {.batch = 2, .time = 13, .dim = 6});
    for (const ParamInfo& p : plain.params.infos())
      plain.params.find(p.name).value() = learns.params.find(p.name).value();
    learns.run(), plain.run();
    CAPTURE(chunk);
    CHECK(learns.y == plain.y);
    CHECK(learns.dx == plain.dx);
    CHECK(learns.dcontext.isZero(0));
    for (const ParamInfo& p : plain.params.infos())  // sums over tokens run in another order
      CHECK(plain.params.find(p.name).grad().isApprox(learns.params.find(p.name).grad(), 1e-5F));
  }
}

TEST_CASE("in_place_ttt: a chunk reads what earlier chunks have taught, and nothing of its own") {
  constexpr Index time = 12, chunk = 4;
  Bench<double> bench(in_place(), small(chunk), with_embeddings(time));
  bench.forward();
  const Matd before = bench.y.topRows(time);
  for (const Index changed : {0, 3, 4, 7, 8, 11}) {  // an embedding of the first sequence
    const Matd e = bench.context;
    bench.context.row(changed).array() += 1;
    bench.forward();
    bench.context = e;
    const Index next = (changed / chunk + 1) * chunk;  // the first token of the chunk after it
    CAPTURE(changed);
    CHECK(bench.y.topRows(std::min(next, time)) == before.topRows(std::min(next, time)));
    for (Index t = next; t < time; ++t) CHECK((bench.y.row(t) - before.row(t)).cwiseAbs().maxCoeff() > 1e-6);
  }
}

TEST_CASE("in_place_ttt: the last chunk teaches nothing") {
  const auto gradient_of_target = [](Index time) {
    Bench<double> bench(in_place(), small(4), with_embeddings(time));
    bench.run();
    return Matd(bench.params.find("target.weight").grad());
  };
  CHECK(gradient_of_target(4).isZero(0));  // the only chunk is the last one
  CHECK_FALSE(gradient_of_target(5).isZero(0));
}

TEST_CASE("in_place_ttt: token by token it is the same, with embeddings of its own") {
  constexpr Index time = 11;
  Setup setup = with_embeddings(time);
  setup.batch = 1;
  Bench<double> bench(in_place(), small(3), setup);
  bench.forward();
  const Matd parallel = bench.y;
  const auto decoder = bench.layer->decoder(1, time);
  Matd y(time, 6);
  for (Index t = 0; t < time; ++t) {
    bench.step.rewind();
    decoder->next_with_context(bench.step, {bench.x.data() + t * 6, 1, 1, 6},
                               {bench.context.data() + t * 6, 1, 1, 6}, {y.data() + t * 6, 1, 1, 6});
  }
  CHECK(distance(y, parallel) < 1e-12);
}

TEST_CASE("in_place_ttt refuses an even filter and a bidirectional pass") {
  CHECK_THROWS_WITH(resolved(options({{"convolution", whole(4)}})), ContainsSubstring("odd width"));
  Params<double> params;
  const LayerSpec<double> spec{.dim = 6, .context_dim = 6, .length = 8, .causality = {.causal = false}};
  CHECK_THROWS_WITH(in_place().make<double>(resolved({}), spec, params), ContainsSubstring("causal mask"));
}
