// The task `file`. Files of NumPy and wrong files: tests/python/file_test.py.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/passes.h"
#include "core/task_traits.h"
#include "experiments/tasks/export.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::uint64_t kSequences = 20;

// A folder with a file of each split.
void write_folder(const Task& task, const TempFolder& folder) {
  for (const Split split : kSplits)
    export_task(task, split, kSequences, folder / (std::string(split_name(split)) + ".h5"), {});
}

std::unique_ptr<Task> read_folder(const TempFolder& folder, std::uint64_t seed = 1) {
  return make_task("file", Given{{"path", folder.path().string()}}, seed);
}

}  // namespace

TEST_CASE("file: exported data have the shape and the sequences of the task that they come from") {
  for (const char* name : {"mqar", "permutations", "listops", "compression", "fuzzy_recall", "translation"}) {
    CAPTURE(name);
    const TempFolder folder;
    const auto task = make_task(name);
    write_folder(*task, folder);
    const auto file = read_folder(folder);
    CHECK(file->shape() == task->shape());
    CHECK(predicts_from_last(*file) == predicts_from_last(*task));
    CHECK(file->size(Split::test) == Index{kSequences});
    for (const Split split : {Split::validation, Split::test})
      CHECK(draw_all(*file, split, kSequences) == draw_all(*task, split, kSequences));
    const Passes passes(1, kSequences);
    for (std::uint64_t i = 0; i < 3 * kSequences; ++i)
      REQUIRE(draw(*file, Split::train, i) ==
              draw(*task, Split::train, static_cast<std::uint64_t>(passes.example_at(i))));
  }
}

TEST_CASE("file: training does not end, and has the order of the trial's seed") {
  const TempFolder folder;
  write_folder(*make_task("copy"), folder);
  CHECK_FALSE(read_folder(folder)->size(Split::train));
  CHECK(draw_all(*read_folder(folder, 1), Split::train, 20) !=
        draw_all(*read_folder(folder, 2), Split::train, 20));
  CHECK(draw_all(*read_folder(folder, 1), Split::test, 20) ==
        draw_all(*read_folder(folder, 2), Split::test, 20));
}

TEST_CASE("file: options that are too small for the data are refused with the place") {
  const TempFolder folder;
  write_folder(*make_task("copy"), folder);
  const std::string path = folder.path().string();
  CHECK_THAT(refusals("file", {{"path", path}, {"vocab", "9"}}).at(0),
             ContainsSubstring("task.path: '" + path) && ContainsSubstring("a token is from 0 to 8"));
  CHECK(begin_with(refusals("file", Given{}), Lines{"task.path: it is missing"}));
}

TEST_CASE("file: the hash of the content is filled in and compared") {
  const TempFolder folder;
  write_folder(*make_task("copy"), folder);
  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  Config resolved =
      registry.task("file").resolve(task_config({{"path", folder.path().string()}}), "task", problems);
  CHECK(resolved.find("content")->text().starts_with("xxh-"));
  write_folder(*make_task("copy", Given{}, 2), folder);
  registry.task("file").resolve(resolved, "task", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK_THAT(problems.lines()[0], ContainsSubstring("has changed: its hash is"));
}

TEST_CASE("file: data of heed train the type of model that their task trains") {
  const auto suited = [](const char* name) {
    const TempFolder folder;
    write_folder(*make_task(name), folder);
    const auto file = read_folder(folder);
    return std::vector{suits(*file, ModelType::decoder), suits(*file, ModelType::encoder),
                       suits(*file, ModelType::encoder_decoder)};
  };
  CHECK(suited("copy") == std::vector{true, false, false});
  CHECK(suited("listops") == std::vector{true, true, false});
  CHECK(suited("translation") == std::vector{true, false, true});
}

TEST_CASE("file: data have the golden hash") {
  const TempFolder folder;
  write_folder(*make_task("copy", {{"length", "9"}, {"tokens", "4"}}), folder);
  CHECK(golden_hash(*read_folder(folder), kSequences) == 0x18bf19c2c7d4a754);
}
