#include "results/table.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "results/errors.h"
#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/results/merged_sample.h"
#include "tests/results/sample.h"

using namespace heed::results;
using heed::test::kUnchanged;
using heed::test::merged_sample;
using heed::test::sample_provenance;
using heed::test::sample_records;
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

TEST_CASE("table: a curve has the values of all trials on the union of their axes") {
  const TempFolder folder;
  std::vector<Record> records = sample_records();
  records.resize(3);
  for (Record& r : records) r.axes.clear(), r.curves.clear();
  const auto test_at = [](Record& r, std::vector<std::int64_t> lengths, std::vector<double> accuracy) {
    r.axes = {{"test_length", std::move(lengths)}};
    r.curves = {{"test_accuracy_by_length", "test_length", std::move(accuracy), "1", "accuracy"}};
  };
  test_at(records[0], {16, 64}, {0.9, 0.5});
  test_at(records[2], {32, 64}, {0.8, 0.4});
  for (const Record& r : records) replace_trial(r, folder / (r.id + ".h5"));
  merge(trial_files(folder.path()), folder / "results.h5", sample_provenance());

  const auto curves = read_curves(folder / "results.h5", "test_accuracy_by_length");
  REQUIRE(curves);
  CHECK(curves->at == std::vector<std::int64_t>{16, 32, 64});
  REQUIRE(curves->values.size() == 9);
  CHECK(curves->values[0] == 0.9);
  CHECK(std::isnan(curves->values[1]));
  for (std::size_t i = 3; i < 7; ++i) CHECK(std::isnan(curves->values[i]));
  CHECK(curves->values[7] == 0.8);
  CHECK(curves->values[8] == 0.4);
  CHECK_FALSE(read_curves(folder / "results.h5", "test_loss_by_length"));
  CHECK_FALSE(read_curves(folder / "results.h5", "seed"));
}

TEST_CASE("table: a damaged merged file is refused") {
  const TempFolder folder;
  const auto path = merged_sample(folder, kUnchanged);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  CHECK_THROWS_AS(read_results(path), DamagedFile);
}
