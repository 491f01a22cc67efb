#include "results/table.h"

#include <stdexcept>

#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/merged_sample.h"

using namespace heed::results;
using heed::test::kUnchanged;
using heed::test::merged_sample;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

TEST_CASE("table: a merged file is read back as columns") {
  const TempFolder folder;
  const Results results = read_results(merged_sample(folder, kUnchanged));
  CHECK(results.trial == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(results.provenance.command == "heed run sample.yaml");
  CHECK(results.texts("variant") == Words{"softmax", "softmax", "linear", "linear", "window", "window"});
  CHECK(results.numbers("seed") == std::vector<double>{0, 1, 0, 1, 0, 1});
  CHECK(results.texts("status")[3] == "diverged");
  REQUIRE(results.find("train.lr") != nullptr);
  CHECK(results.find("train.lr")->name == "lr");
  CHECK(results.find("lr")->role == Role::parameter);
  CHECK(results.find("test_accuracy")->unit == "1");
  CHECK_FALSE(results.find("test_accuracy")->varies);
  CHECK(results.find("step_time")->varies);
  CHECK(results.find("nothing") == nullptr);
  CHECK_THROWS_AS(results.numbers("variant"), std::out_of_range);
  CHECK_THROWS_AS(results.texts("seed"), std::out_of_range);
}

TEST_CASE("table: a damaged merged file is refused") {
  const TempFolder folder;
  const auto path = merged_sample(folder, kUnchanged);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  CHECK_THROWS_AS(read_results(path), DamagedFile);
}
