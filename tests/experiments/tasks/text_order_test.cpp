// Windows of a text that may be read in any order.
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;
namespace fs = std::filesystem;

namespace {

// 200 bytes: 'a' .. 'z' again and again; 160 for training, 40 for validation.
class OrderedText {
 public:
  OrderedText() {
    std::ofstream out(path());
    for (int i = 0; i < 200; ++i) out << static_cast<char>('a' + i % 26);
  }
  fs::path path() const { return folder_ / "t.txt"; }
  Config options(const std::string& order, const std::string& length = "12") const {
    Config c = task_config({{"path", path().string()}, {"length", length}, {"order", order}});
    c.set("split", Config::sequence({Config::scalar("0.8"), Config::scalar("0.2"), Config::scalar("0")}));
    return c;
  }
  Config with_anneal(const std::string& order, const std::vector<std::string>& numbers) const {
    Config c = options(order);
    std::vector<Config> items;
    for (const std::string& n : numbers) items.push_back(Config::scalar(n));
    c.set("anneal", Config::sequence(items));
    return c;
  }

 private:
  TempFolder folder_;
};

bool is(const std::optional<Annealing>& a, double start, double end) {
  return a && a->start == start && a->end == end;
}

}  // namespace

TEST_CASE("text, order: a window follows a condition, and all its tokens are predicted") {
  const OrderedText text;
  const auto task = make_task("text", text.options("random"));
  CHECK(task->shape().classes == 256);
  CHECK(task->shape().input.width == 257);
  CHECK(task->shape().input.length == 12);
  CHECK(task->shape().model == ModelType::decoder);
  for (const Split split : {Split::train, Split::validation})
    for (std::uint64_t i = 0; i < 3; ++i) {
      const Sequence s = draw(*task, split, i);
      CHECK(s.tokens[0] == 256);
      for (std::size_t t = 0; t < 12; ++t) {
        if (t > 0) CHECK(s.tokens[t] == s.labels[t - 1]);
        CHECK(s.labels[t] == 'a' + (s.labels[0] - 'a' + static_cast<int>(t)) % 26);
      }
    }
}

TEST_CASE(
    "text, order: evaluation reads the whole windows of a part, and training the windows of plain text") {
  const OrderedText text;
  const auto plain = make_task("text", text.options("none")),
             raster = make_task("text", text.options("raster")),
             random = make_task("text", text.options("random"));
  CHECK(*raster->size(Split::validation) == 3);  // 36 of 40 bytes
  CHECK(*raster->size(Split::test) == 0);
  CHECK_FALSE(raster->size(Split::train));
  const auto bytes = [](const Task& task) {
    return dynamic_cast<const TextTraits&>(task).scored_bytes(Split::validation);
  };
  CHECK(bytes(*raster) == 36);
  CHECK(bytes(*plain) == 39);
  for (Index i = 0; i < 3; ++i)
    CHECK(draw(*raster, Split::validation, i).labels[0] == 'a' + (160 + 12 * i) % 26);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Sequence s = draw(*raster, Split::train, i);
    CHECK(s.labels == draw(*plain, Split::train, i).tokens);
    CHECK(s == draw(*random, Split::train, i));  // training draws the orders, not the task
  }
}

TEST_CASE("text, order: the option says which share of training sequences is in random order") {
  const OrderedText text;
  const auto of = [&](const Config& options) { return annealing(*make_task("text", options)); };
  CHECK(of(text.options("none")) == std::nullopt);
  CHECK(is(of(text.options("raster")), 0, 0));
  CHECK(is(of(text.options("random")), 1, 1));
  CHECK(is(of(text.options("annealed")), 0.5, 0.75));
  CHECK(is(of(text.with_anneal("annealed", {"0.25", "1"})), 0.25, 1));
  CHECK(annealing(*make_task("mqar")) == std::nullopt);
}

TEST_CASE("text, order: mistakes are refused with their key, and so are options without effect") {
  const OrderedText text;
  CHECK(refusals("text", text.options("rastr")).at(0).starts_with("task.order: "));
  CHECK_THAT(refusals("text", text.options("rastr")).at(0), ContainsSubstring("Did you mean 'raster'?"));
  for (const std::string order : {"none", "raster", "random"})
    CHECK(begin_with(refusals("text", text.with_anneal(order, {"0.5", "0.75"})),
                     Lines{"task.anneal: it has no effect with 'order: " + order + "'; remove it"}));
  CHECK(begin_with(refusals("text", text.with_anneal("annealed", {"0.75", "0.5"})),
                   Lines{"task.anneal: expected two numbers in ascending order, as [0.5, 0.75]; found"}));
  CHECK(begin_with(refusals("text", text.with_anneal("annealed", {"0.75"})),
                   Lines{"task.anneal: expected two numbers in ascending order"}));
  CHECK(begin_with(refusals("text", text.with_anneal("annealed", {"0.5", "1.5"})),
                   Lines{"task.anneal[1]: 1.5 is out of range; it must be from 0 to 1."}));
}

TEST_CASE("text, order: a part without a whole window is refused") {
  const OrderedText text;
  CHECK_NOTHROW(make_task("text", text.options("none", "41")));
  CHECK_NOTHROW(make_task("text", text.options("raster", "40")));
  CHECK_THROWS_WITH(
      make_task("text", text.options("raster", "41")),
      ContainsSubstring("40 tokens are for validation, and 'order: raster' needs a whole window") &&
          ContainsSubstring("Choose a longer text or a smaller length."));
}
