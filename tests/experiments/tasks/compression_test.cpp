#include <algorithm>
#include <cmath>
#include <vector>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

TEST_CASE("compression: the labels are the tokens, and the compression token ends the sequence unscored") {
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*make_task("compression"), split, 50)) {
      Sequence expected = s;
      expected.labels = s.tokens;
      expected.labels.back() = kUnscored;
      REQUIRE(s == expected);
      REQUIRE(std::ranges::find(s.tokens, 15) == s.tokens.end() - 1);
    }
}

TEST_CASE("compression: tokens are equally likely at every position") {
  std::vector<double> seen(15);
  for (const Sequence& s : draw_all(*make_task("compression"), Split::test, 2000))
    for (std::size_t t = 0; t + 1 < s.tokens.size(); ++t) ++seen.at(static_cast<std::size_t>(s.tokens[t]));
  double chi = 0;
  const double expected = 2000.0 * 31 / 15;
  for (const double n : seen) chi += (n - expected) * (n - expected) / expected;
  CHECK(chi < 14 + 6 * std::sqrt(2.0 * 14));  // six standard deviations
}

TEST_CASE("compression: all labels are predicted from the output at the last position") {
  CHECK(predicts_from_last(*make_task("compression")));
  CHECK_FALSE(predicts_from_last(*make_task("copy")));
}

TEST_CASE("compression: data have the golden hashes") {
  CHECK(golden_hash(*make_task("compression")) == 0x571105d63ab4284d);
  CHECK(golden_hash(*make_task("compression", {{"length", "7"}, {"vocab", "5"}})) == 0x08de372177c81327);
}
