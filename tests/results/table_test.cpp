#include "results/table.h"

#include <stdexcept>

#include "results/errors.h"
#include "results/merge.h"
#include "results/shard.h"
#include "tests/catch.h"
#include "tests/results/sample.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::sample_records;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

namespace {

// Writes the sample sweep, changed by `change`, and merges it.
template <class Change>
std::filesystem::path merged(const TempFolder& folder, const Change& change) {
  std::vector<Record> records = sample_records();
  Provenance provenance = heed::test::sample_provenance();
  change(records, provenance);
  for (const Record& record : records) replace_shard(record, folder / (record.id + ".h5"));
  merge(trial_files(folder.path()), folder / "results.h5", provenance);
  return folder / "results.h5";
}

constexpr auto kUnchanged = [](std::vector<Record>&, Provenance&) {};

}  // namespace

TEST_CASE("a merged file is read back as columns") {
  const TempFolder folder;
  const Results results = read_results(merged(folder, kUnchanged));
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

TEST_CASE("files that differ in times and host alone tell the same") {
  const TempFolder one, two;
  const auto elsewhere = [](std::vector<Record>& records, Provenance& provenance) {
    provenance.host = "cluster";
    provenance.created = "2025-01-01T00:00:00Z";
    for (Record& record : records) {
      record.provenance = provenance;
      record.seconds *= 3;
      record.metrics.back().value *= 3;  // step_time
    }
  };
  CHECK(compare_results(merged(one, kUnchanged), merged(two, elsewhere)).empty());
}

TEST_CASE("each difference is named") {
  const TempFolder one, two;
  const auto changed = [](std::vector<Record>& records, Provenance& provenance) {
    provenance.build = "clang-14";
    records[0].metrics[0].value += 1e-15;
    records[1].curves[0].values[1] = 0;
    records[2].reason = "why";
    records[4].metrics.push_back({"extra", 1, "", "", false});
    std::get<std::vector<float>>(records[0].arrays[0].values)[5] = 0;
    std::get<std::vector<std::int64_t>>(records[0].arrays[1].values)[2] = 0;
  };
  CHECK(compare_results(merged(one, kUnchanged), merged(two, changed)) ==
        Words{"attention/tokens", "attention/weights", "reason", "test_accuracy", "train_loss", "extra",
              "/build"});
}

TEST_CASE("a damaged merged file is refused") {
  const TempFolder folder;
  const auto path = merged(folder, kUnchanged);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  CHECK_THROWS_AS(read_results(path), DamagedFile);
  CHECK_THROWS_AS(compare_results(path, path), DamagedFile);
}
