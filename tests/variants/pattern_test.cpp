#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "core/check/conformance.h"
#include "tests/catch.h"
#include "tests/paths.h"
#include "tests/variants/kernel_run.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/expression.h"
#include "variants/parts/stretches.h"
#include "variants/parts/visible_pairs.h"

using namespace heed;
using namespace heed::test;

namespace {

Config pattern(const std::string& visible, Index tile = 64) {
  return options({{"visible", Config::scalar(visible)}, {"tile", whole(tile)}});
}

// The fault's message and the column of its caret; empty if there is none.
std::string fault(const std::string& text) {
  const auto found = fault_of(text, true);
  return found ? std::to_string(found->at) + ": " + found->message : "";
}

using Seen = std::function<bool(Index h, Index i, Index j, Index n)>;

struct Written {
  const char* expression;
  Seen seen;
};

Index mod(Index a, Index m) { return (a % m + m) % m; }

const std::vector<Written>& written() {
  static const std::vector<Written> all = {
      {"true", [](Index, Index, Index, Index) { return true; }},
      {"false", [](Index, Index, Index, Index) { return false; }},
      {"i - j < 3", [](Index, Index i, Index j, Index) { return i - j < 3; }},
      {"abs(i - j) <= 2", [](Index, Index i, Index j, Index) { return std::abs(i - j) <= 2; }},
      {"i < j + 3 and j < i + 2", [](Index, Index i, Index j, Index) { return i < j + 3 && j < i + 2; }},
      {"(i - j) % 3 == 0", [](Index, Index i, Index j, Index) { return mod(i - j, 3) == 0; }},
      {"(i - j) % 4 < 2 or (j - i) % 3 == 1",
       [](Index, Index i, Index j, Index) { return mod(i - j, 4) < 2 || mod(j - i, 3) == 1; }},
      {"abs(i - j) < 6 and (i - j) % 2 == 0",
       [](Index, Index i, Index j, Index) { return std::abs(i - j) < 6 && (i - j) % 2 == 0; }},
      {"j % 4 == 0 and i - j < 9 or i == 5",
       [](Index, Index i, Index j, Index) { return (j % 4 == 0 && i - j < 9) || i == 5; }},
      {"floor(i / 4) == floor(j / 4) or j % 4 == 3",
       [](Index, Index i, Index j, Index) { return i / 4 == j / 4 || j % 4 == 3; }},
      {"j % 3 == i % 3 and i - j > 1",
       [](Index, Index i, Index j, Index) { return j % 3 == i % 3 && i - j > 1; }},
      {"abs(floor(i / 3) - floor(j / 2)) <= 1",
       [](Index, Index i, Index j, Index) { return std::abs(i / 3 - j / 2) <= 1; }},
      {"i * j % 3 == 1 or i - j == 1",
       [](Index, Index i, Index j, Index) { return i * j % 3 == 1 || i - j == 1; }},
      {"h % 2 == 0 and i - j < 2 or h % 2 == 1 and j == 0",
       [](Index h, Index i, Index j, Index) { return h % 2 == 0 ? i - j < 2 : j == 0; }},
      {"j >= n - 2 or not (i != j)", [](Index, Index i, Index j, Index n) { return j >= n - 2 || i == j; }},
      {"i < 4 ? j == 0 : j > 1 and j < 4",
       [](Index, Index i, Index j, Index) { return i < 4 ? j == 0 : j > 1 && j < 4; }},
      {"max(i, j) - min(i, j) < 3", [](Index, Index i, Index j, Index) { return std::abs(i - j) < 3; }},
      {"(i - j) % 2 == 0 and floor(i / 5) == floor(j / 5) or j % 5 == 0",
       [](Index, Index i, Index j, Index) { return ((i - j) % 2 == 0 && i / 5 == j / 5) || j % 5 == 0; }},
  };
  return all;
}

// Both variants on the same q, k, v: are all bits the same?
bool same_bits(const std::string& visible, const std::string& variant, Config chosen, const Sizes& sizes,
               Index tile) {
  chosen.set("tile", whole(tile));
  KernelRun one("pattern", pattern(visible, tile), sizes), other(variant, chosen, sizes);
  one.run(), other.run();
  return one.o == other.o && one.dq == other.dq && one.dk == other.dk && one.dv == other.dv;
}

}  // namespace

TEST_CASE("pattern: attention under an expression agrees with the book, for every structure and tile size") {
  for (const Written& w : written())
    for (const Sizes& s : std::vector<Sizes>{{.heads = 3, .tq = 1, .tk = 1},
                                             {.heads = 3, .tq = 13, .tk = 13, .slope = 0.2},
                                             {.tq = 14, .tk = 14, .causality = {.causal = false}},
                                             {.batch = 1, .tq = 70, .tk = 70},
                                             {.tq = 5, .tk = 9},
                                             {.tq = 9, .tk = 5},
                                             {.tq = 9, .tk = 5, .causality = {.causal = false}}})
      for (Index tile : {1, 3, 8, 64}) {
        CAPTURE(w.expression, s.tq, s.tk, s.causality.causal, tile);
        KernelRun run("pattern", pattern(w.expression, tile), s);
        const Mask mask = run.mask();
        const auto visible = [&](Index h, Index i, Index j) {
          return !mask.hides(i, j) && w.seen(h, i + mask.offset, j, s.tk);
        };
        CHECK(distance_from_naive(run, 0.5, visible) < 1e-12);
        double pairs = 0;
        for (Index h = 0; h < s.heads; ++h)
          for (Index i = 0; i < s.tq; ++i)
            for (Index j = 0; j < s.tk; ++j) pairs += visible(h, i, j);
        CHECK(run.kernel->cost(s.tq, s.tk).flops == 16 * pairs);
      }
}

TEST_CASE(
    "pattern: window, strided and fixed written as expressions have the bits of the built-in variants") {
  for (Index n : {13, 40, 100, 200})
    for (Index tile : {3, 16, 64}) {
      const Sizes s{.batch = 1, .tq = n, .tk = n},
          all{.batch = 1, .tq = n, .tk = n, .causality = {.causal = false}};
      CAPTURE(n, tile);
      const auto text = [](const char* mode) { return Config::scalar(mode); };
      CHECK(same_bits("i - j <= 5", "window", options({{"size", whole(5)}}), s, tile));
      CHECK(same_bits("abs(i - j) <= 5", "window", options({{"size", whole(5)}}), all, tile));
      CHECK(same_bits("i - j <= 5 and j - i <= 2", "window",
                      options({{"left", whole(5)}, {"right", whole(2)}}), all, tile));
      CHECK(same_bits("i == 3 or abs(i - j) <= 5 or j == 3", "window",
                      options({{"size", whole(5)}, {"global", whole(std::vector<Index>{3})}}), all, tile));
      CHECK(same_bits("(i - j) % 5 == 0", "strided",
                      options({{"stride", whole(5)}, {"mode", text("strided")}}), s, tile));
      CHECK(same_bits("(i - j) % 5 == 0 or i - j < 5", "strided", options({{"stride", whole(5)}}), s, tile));
      CHECK(same_bits("h % 2 == 0 and i - j < 5 or h % 2 == 1 and (i - j) % 5 == 0", "strided",
                      options({{"stride", whole(5)}, {"mode", text("split")}}), s, tile));
      CHECK(same_bits("j % 6 >= 4 or floor(i / 6) == floor(j / 6)", "fixed",
                      options({{"segment", whole(6)}, {"summary", whole(2)}}), s, tile));
      CHECK(same_bits("true", "softmax", options({}), s, tile));
    }
}

TEST_CASE("pattern: a stretch without another, and what two have in common, are right for all small ones") {
  const auto numbers = [](const Stretches& all) {
    std::vector<Index> out;
    for (const Stretch& s : all)
      for (Index x = s.first; x < s.end; x += s.step) out.push_back(x);
    std::sort(out.begin(), out.end());
    return out;
  };
  Index wrong = 0;
  for (Index first : {0, 1, 5})
    for (Index end : {4, 9, 30})
      for (Index step : {1, 2, 3, 6})
        for (Index b_first : {0, 2, 7})
          for (Index b_end : {3, 10, 31})
            for (Index b_step : {1, 2, 4, 9}) {
              const Stretch a{first, end, step}, b{b_first, b_end, b_step};
              std::vector<Index> both, rest;
              for (Index x : numbers({a}))
                (x >= b_first && x < b_end && (x - b_first) % b_step == 0 ? both : rest).push_back(x);
              Stretches without;
              append_without(a, b, without);
              wrong += numbers({common(a, b)}) != both || numbers(without) != rest;
            }
  CHECK(wrong == 0);
}

TEST_CASE("pattern: structures without a limit are counted in less than a second at 2^20 positions") {
  const Index n = Index{1} << 20;
  const auto pairs = [&](const char* expression) {
    PairCount count;
    VisiblePairs(expression, {0, n, n, {true, 0}}).add_to(count);
    return count.pairs();
  };
  const auto begin = std::chrono::steady_clock::now();
  CHECK(pairs("i - j < 1024") == n * 1024 - 1024 * 1023 / 2);
  CHECK(pairs("(i - j) % 1024 == 0") == 1024 * (n / 1024) * (n / 1024 + 1) / 2);
  CHECK(pairs("floor(i / 1024) == floor(j / 1024) or j % 1024 == 1023") > n * 512);
  // Four expressions with room for a busy machine.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("pattern: too many pairs to evaluate are refused with what has no limit") {
  const auto built = [](const char* expression, Index length) {
    Params<double> params;
    registry().variant("pattern").make_kernel(
        pattern(expression), LayerSpec<double>{.dim = 4, .context_dim = 4, .length = length}, params);
  };
  CHECK_NOTHROW(built("i * j % 3 == 0", 8192));
  CHECK_THROWS_WITH(built("i * j % 3 == 0", 8193), ContainsSubstring("8193 * 8193 pairs, more than 2^26"));
  CHECK_NOTHROW(built("abs(floor(i / 128) - floor(j / 128)) <= 1", Index{1} << 20));
  CHECK_NOTHROW(built("i - j < 16 and j % 2 == 0 or floor(i / 3) == floor(j / 3)", Index{1} << 30));
}

TEST_CASE("pattern: the expressions of the documentation have no fault") {
  std::ifstream page(source_dir() / "docs/variants/sparse.md");
  Index found = 0;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "| pattern | `visible` |") in_table = true;
    if (line.empty()) in_table = false;
    if (!in_table || line.find('`') == std::string::npos || line == "| pattern | `visible` |") continue;
    const std::size_t begin = line.find('`') + 1, end = line.rfind('`');
    CAPTURE(line);
    CHECK(fault(line.substr(begin, end - begin)).empty());
    ++found;
  }
  CHECK(found == 9);
}

TEST_CASE("pattern: each fault is a sentence with the place of the fault") {
  CHECK(fault("i - j < 16 or j % 8 == 0").empty());
  CHECK(fault("i - k < 16") == "4: unknown variable 'k'. Known: i (query), j (key), h (head), n (length).");
  CHECK(
      fault("flor(i / 2) == 0") ==
      "0: unknown function 'flor'. Did you mean 'floor'? Known: floor, ceil, abs, min, max, sqrt, exp, log.");
  CHECK(fault("j % 8 = 0") == "6: '=' does not compare; write '=='.");
  CHECK(fault("i < j & j < 3") == "6: unexpected '&'. Write 'and'.");
  CHECK(fault("(i - j < 3") == "0: this '(' is not closed.");
  CHECK(fault("i - j) < 3") == "5: this ')' closes nothing.");
  CHECK(fault("0 <= i - j < 3") == "11: comparisons do not chain; write 'a < b and b < c'.");
  CHECK(fault("i, j") == "1: a comma belongs between the arguments of a function.");
  CHECK(fault("i - j <") == "7: something is missing here.");
  CHECK(fault("i not j") == "2: unexpected 'not'.");
  CHECK(fault("i j") == "2: unexpected 'j'.");
  CHECK(fault("i < 2 and abs(i, j) < 2") == "10: too many arguments for 'abs'.");
  CHECK(fault("") == "0: the expression is empty.");
  CHECK(
      fault("16") ==
      "0: at i = 0, j = 0, h = 0, n = 16 this is 16, but must be true or false; compare it with something.");
  CHECK(fault("i - j") ==
        "0: at i = 2, j = 0, h = 0, n = 16 this is 2, but must be true or false; compare it with something.");
  CHECK(fault("j < 2 or (i > 3 and j - 4)")
            .starts_with("20: at i = 0, j = 0, h = 0, n = 16 this is -4, but must be"));
  CHECK(fault("abs (i - j) < 3").empty());
  CHECK(fault("i % 0") == "0: at i = 0, j = 0, h = 0, n = 16 this is not a number.");
}

TEST_CASE("pattern: a caret below the expression shows the place, and no period follows it") {
  Problems problems;
  registry().variant("pattern").resolve(
      options({{"visible", Config::scalar("i - j < 16 or\tk == 0", {"sweep.yaml", 4, 24})}}),
      "variants[0].pattern", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK(problems.lines()[0] ==
        "sweep.yaml:4:24: variants[0].pattern.visible: unknown variable 'k'. Known: i (query), j (key), h "
        "(head), n (length).\n"
        "    i - j < 16 or k == 0\n"
        "                  ^");
}

TEST_CASE("pattern: a value that shows up at a large length only is refused before training") {
  const Config chosen = pattern("j < 20 ? true : j - 20");
  const auto made = [&](Index length) {
    Params<double> params;
    const LayerSpec<double> spec{.dim = 4, .context_dim = 4, .length = length};
    return registry().variant("pattern").make_kernel(chosen, spec, params) != nullptr;
  };
  CHECK(made(20));
  CHECK_THROWS_WITH(made(30), ContainsSubstring("neither true nor false but 2 at i = 0, j = 22"));
  // So many pairs are evaluated by the first step only.
  KernelRun run("pattern", chosen, {.batch = 1, .tq = 300, .tk = 300});
  CHECK_THROWS_WITH(run.forward(), ContainsSubstring("neither true nor false but 2 at i = 0, j = 22"));
}

TEST_CASE("pattern: ALiBi written as bias has the bits of the position alibi") {
  for (bool causal : {true, false})
    for (Index tile : {3, 64}) {
      const Sizes s{.tq = 20, .tk = 20, .causality = {.causal = causal}};
      Sizes sloped = s;
      sloped.slope = 0.125;
      Config biased = pattern("abs(i - j) < 9", tile);
      biased.set("bias", Config::scalar("-0.125 * (h + 1) * abs(i - j)"));
      KernelRun one("pattern", biased, s), other("pattern", pattern("abs(i - j) < 9", tile), sloped);
      one.run(), other.run();
      CAPTURE(causal, tile);
      CHECK((one.o == other.o));
      CHECK((one.dq == other.dq));
      CHECK((one.dk == other.dk));
      CHECK((one.dv == other.dv));
    }
}

TEST_CASE("pattern: a bias of distances, of keys and of pairs is the same where it should be") {
  // A number for each query changes no weight, so these three are one function.
  const auto with_bias = [](const char* bias) {
    Config biased = pattern("i - j < 7 or j % 3 == 0", 4);
    biased.set("bias", Config::scalar(bias));
    return biased;
  };
  const Sizes s{.tq = 15, .tk = 15};
  KernelRun distance("pattern", with_bias("-0.3 * (i - j)"), s), key("pattern", with_bias("0.3 * j"), s);
  KernelRun pair("pattern", with_bias("0.3 * j - i * 0.7"), s);
  for (KernelRun* run : {&distance, &key, &pair}) run->run();
  for (KernelRun* other : {&key, &pair})
    for (Index h : {0, 1}) {
      CHECK(test::distance(distance.head(distance.o, 15, 4, 1, h), other->head(other->o, 15, 4, 1, h)) <
            1e-12);
      CHECK(test::distance(distance.head(distance.dk, 15, 4, 1, h), other->head(other->dk, 15, 4, 1, h)) <
            1e-12);
    }
  CHECK(distance_from_differences(pair) < 1e-8);
}

TEST_CASE("pattern: a bias is refused with its place, or with a visible pair for which it is not finite") {
  const auto biased = [](const char* visible, const char* bias) {
    Config out = pattern(visible);
    out.set("bias", Config::scalar(bias, {"sweep.yaml", 5, 9}));
    return out;
  };
  Problems problems;
  registry().variant("pattern").resolve(biased("i -", "-0.1 * (i - x)"), "variants[0].pattern", problems);
  CHECK(problems.lines().size() == 2);
  const Sizes s{.batch = 1, .tq = 9, .tk = 9};
  CHECK_NOTHROW(KernelRun("pattern", biased("i - j > 0", "-log(i - j)"), s).forward());
  CHECK_THROWS_WITH(
      KernelRun("pattern", biased("true", "-log(i - j)"), s).forward(),
      ContainsSubstring("'bias' of 'pattern' is inf for the visible pair of query 0 and key 0: -log(i - j)"));
  Params<double> params;
  const LayerSpec<double> spec{.dim = 4, .context_dim = 4, .length = 5000};
  const VariantInfo& info = registry().variant("pattern");
  CHECK_THROWS_WITH(info.make_kernel(biased("true", "i * j"), spec, params),
                    ContainsSubstring("more than 2^24"));
  // Before training: of distances up to a length of thousands, of pairs up to some hundred.
  CHECK_THROWS_WITH(info.make_kernel(biased("true", "log(i - j)"), spec, params),
                    ContainsSubstring("-inf for the visible pair of query 0 and key 0"));
  CHECK_NOTHROW(info.make_kernel(biased("i != j", "log(i - j)"), spec, params));
}

TEST_CASE("pattern: an expression passes all conformance checks") {
  const VariantInfo& info = registry().variant("pattern");
  for (const char* visible :
       {"abs(i - j) < 3 or j % 4 == 0", "(i - j) % 2 == 0 and h == 0 or floor(i / 3) == floor(j / 3)"}) {
    Problems problems;
    Config given = pattern(visible);
    given.set("bias", Config::scalar("-0.1 * (h + 1) * (i - j)"));
    const Config chosen = info.resolve(given, "pattern", problems);
    for (const CheckResult& result :
         run_conformance(info, chosen, {.positions = all_positions(registry())})) {
      CAPTURE(visible, result.check, result.message);
      CHECK(result.verdict != Verdict::failed);
    }
  }
}
