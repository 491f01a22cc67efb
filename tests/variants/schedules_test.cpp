#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/core/optimizer_named.h"
#include "tests/variants/torch_numbers.h"

namespace heed {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Schedule> make(const std::string& name, const Options& options, const ScheduleSpec& spec) {
  Config given = Config::map();
  for (const auto& [key, value] : options) given.set(key, Config::scalar(value));
  return test::builtin_registry().schedule(name).make(given, spec);
}

bool agrees(const Schedule& schedule, const std::vector<double>& numbers) {
  double worst = 0;
  for (std::size_t s = 0; s < numbers.size(); ++s)
    worst = std::max(worst, std::abs(schedule(static_cast<Index>(s)) - numbers[s]));
  return worst < 1e-14;
}

}  // namespace

TEST_CASE("Schedules: every step has the rate of PyTorch's schedulers") {
  std::set<std::string> compared;
  for (const test::TorchCase& c : test::kTorchSchedules) {
    CAPTURE(c.name);
    REQUIRE(c.numbers.size() == 20);
    const ScheduleSpec spec{.lr = 0.3, .warmup = 4, .steps = 20};
    CHECK(agrees(*make(c.name, c.options, spec), c.numbers));
    CHECK_FALSE(agrees(*make(c.name, c.options, {.lr = 0.3, .warmup = 3, .steps = 20}), c.numbers));
    compared.insert(c.name);
  }
  // A name without a case needs one: torch_numbers.py.
  for (const std::string& name : names(test::builtin_registry().schedules())) CHECK(compared.contains(name));
}

TEST_CASE("Schedules: the rate climbs to its peak, the last step of warmup, and not above it") {
  for (const std::string& name : names(test::builtin_registry().schedules())) {
    CAPTURE(name);
    const auto rate = make(name, {}, {.lr = 1, .warmup = 4, .steps = 12});
    CHECK((*rate)(0) == 0.25);  // never 0
    CHECK((*rate)(1) == 0.5);
    CHECK((*rate)(3) == 1);
    CHECK((*rate)(4) <= 1);
  }
}

TEST_CASE("Schedules: cosine, linear, constant and wsd are at the peak at the first step after warmup") {
  for (const char* name : {"cosine", "linear", "constant", "wsd"})
    CHECK((*make(name, {}, {.lr = 1, .warmup = 4, .steps = 12}))(4) == 1);
}

TEST_CASE("Schedules: without warmup they start at the peak; warmup may take all steps") {
  for (const std::string& name : names(test::builtin_registry().schedules()))
    CHECK((*make(name, {}, {.lr = 2, .warmup = 0, .steps = 10}))(0) == 2);
  for (const char* name : {"constant", "linear", "cosine"})
    CHECK((*make(name, {}, {.lr = 2, .warmup = 10, .steps = 10}))(9) == 2);
}

TEST_CASE("Cosine: it falls along half a cosine to min_lr and stays there") {
  const auto rate = make("cosine", {{"min_lr", "0.1"}}, {.lr = 1, .warmup = 4, .steps = 12});
  CHECK((*rate)(6) == Approx(0.1 + 0.45 * (1 + std::sqrt(0.5))));
  CHECK((*rate)(8) == Approx(0.55));  // half way
  CHECK((*rate)(11) > 0.1);
  CHECK((*rate)(12) == 0.1);
  CHECK((*rate)(1000) == 0.1);
}

TEST_CASE("Wsd: the peak until the decay, which may be linear or one minus a square root") {
  const ScheduleSpec spec{.lr = 1, .warmup = 10, .steps = 100};
  const auto linear = make("wsd", {{"decay", "0.16"}}, spec);
  const auto root = make("wsd", {{"decay", "0.16"}, {"shape", "sqrt"}, {"min_lr", "0.5"}}, spec);
  for (const Index s : {10, 50, 83, 84}) CHECK((*linear)(s) == 1);
  CHECK((*linear)(88) == 0.75);  // 4 of 16 steps
  CHECK((*root)(88) == 0.75);    // 0.5 + 0.5 (1 - sqrt(4/16))
  CHECK((*linear)(99) == Approx(1.0 / 16));
}

TEST_CASE("Wsd: a decay of no step, or one that begins during warmup, is refused") {
  CHECK_THROWS_WITH(make("wsd", {{"decay", "0.01"}}, {.lr = 1, .warmup = 0, .steps = 10}),
                    ContainsSubstring("0.01 of 10 steps"));
  CHECK_THROWS_WITH(make("wsd", {{"decay", "0.5"}}, {.lr = 1, .warmup = 6, .steps = 10}),
                    ContainsSubstring("warmup (6) and decay (5 of 10)"));
}

}  // namespace heed
