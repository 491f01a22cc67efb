// What holds for every task that is registered, among it the traps that released generators fell into.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <thread>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/heap.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::uint64_t kCount = 32;

std::vector<std::string> task_names() {
  Registry registry;
  register_builtin_tasks(registry);
  std::vector<std::string> all = names(registry.tasks());
  std::erase(all, "pairs");  // has no default: it needs a file (pairs_test.cpp)
  return all;
}

// Those that have data of their own by default.
std::vector<std::string> data_tasks() {
  std::vector<std::string> out = task_names();
  std::erase(out, "file");
  std::erase(out, "images");  // images_test.cpp
  return out;
}

std::set<std::vector<Token>> tokens_of(const Task& task, Split split) {
  std::set<std::vector<Token>> all;
  for (const Sequence& s : draw_all(task, split, kCount)) all.insert(s.tokens);
  return all;
}

}  // namespace

TEST_CASE("tasks: the tasks of the tree are registered") {
  Registry registry;
  register_builtin_tasks(registry);
  CHECK(names(registry.tasks()) == Lines{"mqar", "recall", "noisy_recall", "fuzzy_recall", "copy",
                                         "selective_copy", "induction", "needle", "memorization",
                                         "compression", "parity", "permutations", "listops", "text",
                                         "masked_text", "images", "file", "translation", "pairs"});
}

TEST_CASE("tasks: every task writes all tokens and labels within its vocabulary, and scores something") {
  for (const std::string& name : data_tasks()) {
    const auto task = make_task(name);
    for (Split split : kSplits)
      for (const Sequence& s : draw_all(*task, split, kCount)) {
        INFO(name);
        bool scored = false;
        for (const Token t : s.tokens) REQUIRE((t >= 0 && t < task->shape().input.width));
        for (const Token label : s.labels) {
          REQUIRE((label == kUnscored || (label >= 0 && label < task->shape().classes)));
          scored |= label != kUnscored;
        }
        REQUIRE(scored);
      }
  }
}

// Trap: blanks drawn from a global generator, so that data change with unrelated code.
TEST_CASE("tasks: data depend only on the seed, not on the order of calls or on other draws") {
  for (const std::string& name : data_tasks()) {
    const auto task = make_task(name, Given{}, 7), again = make_task(name, Given{}, 7);
    const std::vector<Sequence> forward = draw_all(*task, Split::test, kCount);
    std::srand(99);
    for (std::uint64_t i = kCount; i-- > 0;) {
      (void)std::rand();
      (void)draw(*again, Split::train, 3 * i);
      INFO(name << " sequence " << i);
      REQUIRE(draw(*again, Split::test, i) == forward[i]);
      REQUIRE(draw(*task, Split::test, i) == forward[i]);
    }
  }
}

// Trap: test data that depend on the number of workers.
TEST_CASE("tasks: data are the same from any number of threads") {
  for (const std::string& name : data_tasks()) {
    const auto task = make_task(name);
    const std::vector<Sequence> expected = draw_all(*task, Split::test, kCount);
    for (std::size_t workers : {2, 4}) {
      std::vector<Sequence> found(kCount);
      std::vector<std::thread> threads;
      for (std::size_t w = 0; w < workers; ++w)
        threads.emplace_back([&, w] {
          for (std::uint64_t i = w; i < kCount; i += workers) found[i] = draw(*task, Split::test, i);
        });
      for (std::thread& t : threads) t.join();
      INFO(name << " with " << workers << " threads");
      REQUIRE(found == expected);
    }
  }
}

// Trap: accuracy selected and reported on the same split.
TEST_CASE("tasks: no two splits, seeds or indices share a sequence") {
  for (const std::string& name : data_tasks()) {
    INFO(name);
    const auto task = make_task(name, Given{}, 1), other = make_task(name, Given{}, 2);
    std::set<std::vector<Token>> all;
    for (Split split : kSplits) all.merge(tokens_of(*task, split));
    CHECK(all.size() == 3 * kCount);
    all.merge(tokens_of(*other, Split::train));
    CHECK(all.size() == 4 * kCount);
  }
}

TEST_CASE("tasks: generated tasks are endless, also at large indices") {
  for (const std::string& name : data_tasks()) {
    const auto task = make_task(name);
    CHECK_FALSE(task->size(Split::train));
    CHECK(task->size(Split::test).has_value() == (name == "text" || name == "masked_text"));
    CHECK(draw(*task, Split::train, ~std::uint64_t{0}).tokens != draw(*task, Split::train, 0).tokens);
  }
}

TEST_CASE("tasks: making a sequence and its relevant positions allocates nothing") {
  for (const std::string& name : data_tasks()) {
    const auto task = make_task(name);
    Sequence s = room_of(*task);
    const Index length = task->shape().input.length;
    std::vector<Relevance> keys(s.tokens.size()), source_keys(s.source.size());
    const std::size_t before = heap_allocations();
    Example example = example_in(s);
    for (Split split : kSplits) task->fill(split, 1, example);
    if (std::ssize(s.labels) == length) task->relevance(s.tokens, s.labels, length - 1, keys);
    if (const auto* marks = dynamic_cast<const SourceTraits*>(task.get()))
      marks->source_relevance(example, 0, std::span(source_keys).first(std::size_t(example.source.length)));
    const std::size_t made = heap_allocations() - before;
    INFO(name);
    CHECK(made == 0);
  }
}

TEST_CASE("tasks: a copy of a task's default options is accepted") {
  Registry registry;
  register_builtin_tasks(registry);
  for (const std::string& name : data_tasks()) {
    const TaskInfo& info = registry.task(name);
    Problems problems;
    const Config once = info.resolve(Config(), "task", problems);
    const Config twice = info.resolve(once, "task", problems);
    CHECK(problems.lines() == Lines{});
    CHECK(once.canonical() == twice.canonical());
  }
}
