// The positions that tasks mark as relevant to a label.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::uint64_t kSequences = 200;

struct Seen {
  Index queries = 0, answers = 0, distractors = 0;
  std::string fault;  // the first
};

// Asks for every position of many sequences. What may be a distractor is the task's affair.
using MayDistract = std::function<bool(const Sequence&, Index query, Index j)>;

Seen look(const Task& task, Split split, const MayDistract& may_distract) {
  Seen seen;
  for (std::uint64_t i = 0; i < kSequences; ++i) {
    const Sequence s = draw(task, split, i);
    for (Index query = 0; query < task.shape().input.length; ++query) {
      std::vector<Relevance> keys(s.tokens.size(), Relevance::distractor);  // all of it must be written
      task.relevance(s.tokens, s.labels, query, keys);
      const Index answers = std::ranges::count(keys, Relevance::answer);
      const bool must = s.labels[query] != kUnscored && split == Split::test;
      seen.queries += answers > 0, seen.answers += answers;
      for (Index j = 0; j < task.shape().input.length; ++j) {
        const Relevance key = keys[j];
        seen.distractors += key == Relevance::distractor;
        const char* wrong = key != Relevance::none && j > query                          ? "is hidden"
                            : key == Relevance::answer && s.tokens[j] != s.labels[query] ? "is not the label"
                            : key == Relevance::distractor && !may_distract(s, query, j) ? "is no distractor"
                                                                                         : nullptr;
        if (wrong && seen.fault.empty())
          seen.fault = fmt::format("sequence {}, query {}: position {} {}", i, query, j, wrong);
      }
      if (must != (answers > 0) && (must || s.labels[query] == kUnscored) && seen.fault.empty())
        seen.fault = fmt::format("sequence {}, query {}: {} answers", i, query, answers);
    }
  }
  return seen;
}

bool another_token(const Sequence& s, Index query, Index j) { return s.tokens[j] != s.labels[query]; }

// Points one position further than it should.
class OffByOne final : public Task {
 public:
  explicit OffByOne(std::unique_ptr<Task> task) : task_(std::move(task)) {}
  TaskShape shape() const override { return task_->shape(); }
  void fill(Split split, std::uint64_t index, Example& example) const override {
    task_->fill(split, index, example);
  }
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override {
    task_->relevance(tokens, labels, query, keys);
    std::rotate(keys.begin(), keys.end() - 1, keys.end());
  }

 private:
  std::unique_ptr<Task> task_;
};

}  // namespace

TEST_CASE("mqar: the answer is the value after the queried key, the other values distract") {
  for (const char* filler : {"zero", "random"}) {
    const auto task = make_task("mqar", {{"pairs", "8"}, {"length", "64"}, {"filler", filler}});
    const auto other_value = [](const Sequence& s, Index query, Index j) {
      return j % 2 == 1 && j < 16 && s.tokens[j] != s.labels[query];
    };
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, other_value);
      CHECK(seen.fault.empty());
      CHECK(seen.queries == 8 * kSequences);
      CHECK(seen.answers == seen.queries);
      CHECK(seen.distractors == 7 * seen.queries);
    }
  }
}

TEST_CASE("recall: every earlier value of the key answers, other values distract") {
  const auto task = make_task("recall");  // 8 keys in 64 pairs: most come many times
  const auto other_value = [](const Sequence& s, Index query, Index j) {
    return j % 2 == 1 && s.tokens[j] != s.labels[query];
  };
  for (Split split : kSplits) {
    const Seen seen = look(*task, split, other_value);
    CHECK(seen.fault.empty());
    CHECK(seen.queries > 50 * static_cast<Index>(kSequences));
    CHECK(seen.answers > 2 * seen.queries);
    CHECK(seen.distractors > 10 * seen.queries);
  }
}

TEST_CASE("noisy_recall: the tokens of noise distract, and nothing else") {
  const auto noise = [](const Sequence& s, Index, Index j) { return s.tokens[j] >= 16; };
  for (const char* share : {"0", "0.2", "0.8"}) {
    const auto task = make_task("noisy_recall", {{"noise", share}});
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, noise);
      INFO(share);
      CHECK(seen.fault.empty());
      CHECK(seen.queries > 4 * static_cast<Index>(kSequences));
      CHECK((seen.distractors > 0) == (std::string(share) != "0"));
    }
  }
}

TEST_CASE("noisy_recall: all tokens of noise are visible to the last query") {
  const auto task = make_task("noisy_recall");
  for (const Sequence& s : draw_all(*task, Split::test, 50)) {
    std::vector<Relevance> keys(s.tokens.size());
    task->relevance(s.tokens, s.labels, task->shape().input.length - 2, keys);
    CHECK(std::ranges::count(keys, Relevance::distractor) ==
          std::ranges::count_if(s.tokens, [](Token t) { return t >= 16; }));
  }
}

TEST_CASE("recall: training on all next tokens marks only the recalled values") {
  const auto task = make_task("recall", {{"length", "16"}}),
             other = make_task("recall", {{"length", "16"}, {"labels", "recalled"}});
  const Sequence s = draw(*task, Split::train, 0), t = draw(*other, Split::train, 0);
  REQUIRE(s.tokens == t.tokens);
  for (Index query = 0; query < 16; ++query) {
    std::vector<Relevance> all(16), recalled(16);
    task->relevance(s.tokens, s.labels, query, all);
    task->relevance(t.tokens, t.labels, query, recalled);
    CHECK(all == recalled);
  }
}

TEST_CASE("copy, selective_copy: the answer is the next token in order") {
  for (const char* name : {"copy", "selective_copy"}) {
    const auto task = make_task(name, {{"length", "64"}, {"tokens", "12"}});
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, another_token);
      INFO(name);
      CHECK(seen.fault.empty());
      CHECK(seen.queries == 12 * kSequences);
      CHECK(seen.answers == seen.queries);
      CHECK(seen.distractors > 9 * seen.queries);
    }
    const Sequence s = draw(*task, Split::test, 0);
    Index before = -1;
    for (Index query = 52; query < 64; ++query) {
      std::vector<Relevance> keys(64);
      task->relevance(s.tokens, s.labels, query, keys);
      const Index at = std::ranges::find(keys, Relevance::answer) - keys.begin();
      CHECK(at > before);
      before = at;
    }
    CHECK(before < 51);
  }
}

TEST_CASE("induction: the answer followed the same token before; all other tokens except the mark distract") {
  for (const char* score : {"last", "all"}) {
    const auto task = make_task("induction", {{"score", score}});
    const auto other = [](const Sequence& s, Index query, Index j) {
      return j < query && s.tokens[j] != s.labels[query] && s.tokens[j] != 19;
    };
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, other);
      INFO(score);
      CHECK(seen.fault.empty());
      CHECK(seen.queries >= (std::string(score) == "last" ? 1 : 14) * static_cast<Index>(kSequences));
    }
  }
  // x y m z x m: the answer is z alone, x y x distract
  const auto task = make_task("induction", {{"length", "6"}});
  std::vector<Relevance> keys(6);
  const std::vector<Token> tokens = {3, 4, 19, 5, 3, 19},
                           labels = {kUnscored, kUnscored, kUnscored, kUnscored, kUnscored, 5};
  task->relevance(tokens, labels, 5, keys);
  constexpr auto none = Relevance::none, answer = Relevance::answer, distractor = Relevance::distractor;
  CHECK(keys == std::vector<Relevance>{distractor, distractor, none, answer, distractor, none});
}

TEST_CASE("fuzzy_recall: the same token of the same key's value answers, other value tokens distract") {
  const auto other_value = [](const Sequence& s, Index query, Index j) {
    return s.tokens[j] >= 4 && s.tokens[j] < 8 && s.tokens[j] != s.labels[query];
  };
  for (const char* longest : {"1", "2"}) {
    const auto task =
        make_task("fuzzy_recall", {{"vocab", "9"}, {"key_length", longest}, {"value_length", longest}});
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, other_value);
      CAPTURE(longest);
      CHECK(seen.fault.empty());
      CHECK(seen.queries > 10 * static_cast<Index>(kSequences));
      CHECK(seen.answers >= seen.queries);
      CHECK(seen.distractors > 10 * seen.queries);
    }
  }
}

TEST_CASE("needle: the answer is the value of the key, the other values distract") {
  for (const char* filler : {"random", "text"}) {
    const auto task = make_task("needle", {{"needles", "6"}, {"ask", "2"}, {"filler", filler}});
    const auto other_value = [](const Sequence& s, Index query, Index j) {
      return s.tokens[j] >= 32 && s.tokens[j] < 64 && s.tokens[j] != s.labels[query];
    };
    for (Split split : kSplits) {
      const Seen seen = look(*task, split, other_value);
      CAPTURE(filler);
      CHECK(seen.fault.empty());
      CHECK(seen.queries == 2 * kSequences);
      CHECK(seen.answers == seen.queries);
      CHECK(seen.distractors == 5 * seen.queries);
    }
  }
}

TEST_CASE("text: no position is relevant") {
  const auto task = make_task("text", {{"length", "16"}});
  const Seen seen = look(*make_task("text", {{"length", "16"}}), Split::train, another_token);
  CHECK(seen.fault.empty());
  CHECK(seen.answers + seen.distractors == 0);
}

TEST_CASE("relevance: an answer at a wrong position is found by this test") {
  for (const char* name :
       {"mqar", "recall", "noisy_recall", "fuzzy_recall", "copy", "selective_copy", "induction", "needle"}) {
    INFO(name);
    CHECK_FALSE(look(OffByOne(make_task(name)), Split::test, another_token).fault.empty());
  }
}
