#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/rng.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr Token kMask = 26;

// Letters a .. z, which are tokens 0 .. 25 as characters.
class Letters {
 public:
  explicit Letters(Index n) {
    Draws draws = Rng(7, "letters").at(0);
    for (Index i = 0; i < n; ++i) tokens_.push_back(static_cast<Token>(draws.below(26)));
    for (Token t = 0; t < 26; ++t) tokens_[static_cast<std::size_t>(t)] = t;  // each occurs
    std::ofstream out(folder_ / "t.txt");
    for (const Token t : tokens_) out << static_cast<char>('a' + t);
  }
  std::unique_ptr<Task> task(Given more, std::uint64_t seed = 1) const {
    more.insert(more.end(), {{"path", (folder_ / "t.txt").string()}, {"unit", "characters"}});
    return make_task("masked_text", more, seed);
  }
  Token at(Index i) const { return tokens_[static_cast<std::size_t>(i)]; }

 private:
  TempFolder folder_;
  std::vector<Token> tokens_;
};

}  // namespace

TEST_CASE("masked_text: windows cover a whole part, and labels are the text at the chosen positions") {
  const Letters text(2000);
  const auto task = text.task({{"length", "30"}});
  CHECK(task->shape() == token_shape(27, 30, ModelType::encoder));
  REQUIRE(task->size(Split::test) == 4);  // 100 letters
  Index at = 1900;
  for (const Sequence& s : draw_all(*task, Split::test, 4)) {
    REQUIRE(s.tokens.size() == (at == 1990 ? 10 : 30));
    for (std::size_t t = 0; t < s.tokens.size(); ++t, ++at) {
      if (s.labels[t] == kUnscored)
        REQUIRE(s.tokens[t] == text.at(at));
      else
        REQUIRE(s.labels[t] == text.at(at));
    }
  }
}

TEST_CASE("masked_text: of the chosen positions, 80 % are masked, 10 % random and 10 % as they are") {
  const Letters text(5000);
  const auto task = text.task({{"length", "50"}});
  double positions = 0, chosen = 0, masked = 0, other = 0;
  for (const Sequence& s : draw_all(*task, Split::train, 4000))
    for (std::size_t t = 0; t < s.tokens.size(); ++t) {
      ++positions;
      if (s.labels[t] == kUnscored) continue;
      ++chosen;
      masked += s.tokens[t] == kMask;
      other += s.tokens[t] != kMask && s.tokens[t] != s.labels[t];
    }
  const auto near = [](double seen, double n, double p) {
    CHECK(std::abs(seen - n * p) < 6 * std::sqrt(n * p * (1 - p)));  // standard deviations
  };
  near(chosen, positions, 0.15);
  near(masked, chosen, 0.8);
  near(other, chosen, 0.1 * 25 / 26);  // a random letter may be the same
}

TEST_CASE("masked_text: the masks of tests are always the same, those of training differ") {
  const Letters text(1000);
  const auto task = text.task({{"length", "50"}, {"share", "0.5"}});
  CHECK(draw(*task, Split::validation, 0) == draw(*task, Split::validation, 0));
  CHECK(draw(*task, Split::validation, 0) !=
        draw(*text.task({{"length", "50"}, {"share", "0.5"}}, 2), Split::validation, 0));
  CHECK(draw(*task, Split::train, 0) != draw(*task, Split::train, 1));
}

TEST_CASE("masked_text: data have the golden hash") {
  CHECK(golden_hash(*Letters(40000).task({{"length", "16"}})) == 0x40854fa7b7c89e37);
}
