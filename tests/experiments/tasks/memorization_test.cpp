#include <map>
#include <set>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

// The value of each key in the first sequences of a split. Checks that a key has one.
std::map<Token, Token> values_of(const Task& task, Split split, Token insert) {
  std::map<Token, Token> values;
  for (const Sequence& s : draw_all(task, split, 400))
    for (std::size_t t = 0; t < s.tokens.size(); t += 2) {
      REQUIRE(s.labels[t] == kUnscored);
      REQUIRE(s.tokens[t + 1] == insert);
      const Token value = values.emplace(s.tokens[t], s.labels[t + 1]).first->second;
      REQUIRE(s.labels[t + 1] == value);
    }
  return values;
}

}  // namespace

TEST_CASE("memorization: every key has one value, the same in all splits") {
  const auto task = make_task("memorization");
  const std::map<Token, Token> values = values_of(*task, Split::train, 255);
  REQUIRE(values.size() == 127);
  std::set<Token> different;
  for (const auto& [key, value] : values) {
    CHECK((0 <= key && key < 127));
    CHECK((127 <= value && value < 254));
    different.insert(value);
  }
  CHECK(different.size() == 127);
  CHECK(values_of(*task, Split::validation, 255) == values);
  CHECK(values_of(*task, Split::test, 255) == values);
}

TEST_CASE("memorization: another seed has other values") {
  CHECK(values_of(*make_task("memorization", Given{}, 1), Split::train, 255) !=
        values_of(*make_task("memorization", Given{}, 2), Split::train, 255));
}

TEST_CASE("memorization: an odd length is refused") {
  CHECK(begin_with(refusals("memorization", {{"length", "33"}}), Lines{"task.length: 33 is odd"}));
}

TEST_CASE("memorization: data have the golden hashes") {
  CHECK(golden_hash(*make_task("memorization")) == 0x167341882996cf32);
  CHECK(golden_hash(*make_task("memorization", {{"length", "6"}, {"vocab", "12"}})) == 0x6f954c769fe03736);
}
