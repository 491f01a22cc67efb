#include "results/merge.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "results/atomic_file.h"
#include "results/h5_reader.h"
#include "results/table.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/results/sample.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::sample_provenance;
using heed::test::sample_records;
using heed::test::TempFolder;

namespace {

std::vector<Source> write_all(const TempFolder& folder, const std::vector<Record>& records) {
  for (const Record& record : records) replace_trial(record, folder / (record.id + ".h5"));
  return trial_files(folder.path());
}

MergeReport merge_to(const TempFolder& folder, const std::vector<Source>& sources, const std::string& name) {
  return merge(sources, folder / name, sample_provenance());
}

}  // namespace

TEST_CASE("merge: every trial is one row, in the order of the plan") {
  const TempFolder folder;
  const std::vector<Record> records = sample_records();
  const MergeReport report = merge_to(folder, write_all(folder, records), "results.h5");
  CHECK(report.trials == records.size());
  CHECK(report.damaged.empty());
  CHECK(report.conflicts.empty());
  CHECK(report.builds == std::vector<std::string>{sample_provenance().build});
  const H5Reader file(folder / "results.h5");
  CHECK(file.read<std::int64_t>("trial") == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  const auto ids = file.strings("id");
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(ids[i] == records[i].id);
  CHECK(file.strings("config")[2] == records[2].config);
}

TEST_CASE("merge: the same trials give the same bytes, in whatever order they were found") {
  const TempFolder folder;
  std::vector<Source> sources = write_all(folder, sample_records());
  merge_to(folder, sources, "one.h5");
  std::reverse(sources.begin(), sources.end());
  std::swap(sources[1], sources[3]);
  merge_to(folder, sources, "two.h5");
  CHECK(read_file(folder / "one.h5") == read_file(folder / "two.h5"));
}

TEST_CASE("merge: a merged file is written again only if something has changed") {
  const TempFolder folder;
  const std::vector<Record> records = sample_records();
  std::vector<Source> sources = write_all(folder, records);
  const auto merge_by = [&](const char* command) {
    Provenance provenance = sample_provenance();
    provenance.command = command;
    return merge(sources, folder / "results.h5", provenance);
  };
  const auto made_by = [&] { return read_results(folder / "results.h5").provenance.command; };
  merge_by("first");
  const MergeReport again = merge_by("second");
  CHECK(made_by() == "first");
  CHECK(again.trials == records.size());
  CHECK(again.builds == std::vector<std::string>{sample_provenance().build});

  SECTION("another number in the plan") { sources[0].trial = 17; }
  SECTION("another result") {
    Record other = records[0];
    other.seconds = 99;
    replace_trial(other, sources[0].path);
  }
  SECTION("a trial less") { sources.pop_back(); }
  SECTION("a damaged merged file") { std::filesystem::resize_file(folder / "results.h5", 5000); }
  SECTION("a damaged trial, however often it is merged") {
    std::vector<std::byte> bytes = read_file(sources[0].path);
    bytes[2000] ^= std::byte{1};
    write_file(sources[0].path, bytes, IfExists::replace);
    CHECK(merge_by("with damage").damaged.size() == 1);
    CHECK(merge_by("third").damaged.size() == 1);
  }
  merge_by("third");
  CHECK(made_by() == "third");
}

TEST_CASE("merge: the caller's plan numbers the rows") {
  const TempFolder folder;
  std::vector<Source> sources = write_all(folder, sample_records());
  for (std::size_t i = 0; i < sources.size(); ++i) sources[i].trial = std::int64_t(100 - i);
  merge_to(folder, sources, "results.h5");
  const H5Reader file(folder / "results.h5");
  CHECK(file.read<std::int64_t>("trial").front() == 95);
  CHECK(file.strings("id").front() == sources.back().path.stem().string());
}

TEST_CASE("merge: rows that share a number are numbered from 0") {
  const TempFolder folder;
  std::vector<Record> records = sample_records();
  records[5].plan_index = 0;
  merge_to(folder, write_all(folder, records), "results.h5");
  CHECK(H5Reader(folder / "results.h5").read<std::int64_t>("trial") ==
        std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("merge: curves are padded with NaN on the union of their steps") {
  const TempFolder folder;
  merge_to(folder, write_all(folder, sample_records()), "results.h5");
  const H5Reader file(folder / "results.h5");
  CHECK(file.read<std::int64_t>("step") == std::vector<std::int64_t>{10, 12, 20});
  CHECK(file.dims("train_loss") == std::vector<std::string>{"trial", "step"});
  const auto loss = file.read<double>("train_loss");
  CHECK(loss[0] == 2.5);
  CHECK(std::isnan(loss[1]));
  CHECK(loss[2] == 1.5);
  CHECK(loss[3 * 3] == 2.5);  // the diverged trial
  CHECK(std::isnan(loss[3 * 3 + 1]));
  CHECK(std::isnan(loss[3 * 3 + 2]));
}

TEST_CASE("merge: what a trial does not have is NaN or empty") {
  const TempFolder folder;
  merge_to(folder, write_all(folder, sample_records()), "results.h5");
  const Results results = read_results(folder / "results.h5");
  CHECK(results.texts("features") == std::vector<std::string>{"", "", "elu", "elu", "", ""});
  CHECK(std::isnan(results.numbers("size")[0]));
  CHECK(results.numbers("size")[4] == 8);
  CHECK(std::isnan(results.numbers("test_accuracy")[3]));
  CHECK(results.numbers("bias") == std::vector<double>(6, 0.0));
}

TEST_CASE("merge: probes of different lengths are padded, and only the probed trials are there") {
  const TempFolder folder;
  merge_to(folder, write_all(folder, sample_records()), "results.h5");
  const H5Reader file(folder / "results.h5");
  CHECK(file.groups("/") ==
        std::vector<std::string>{"attention"});  // weights and logits stay with the trials
  CHECK(file.read<std::int64_t>("attention/trial") == std::vector<std::int64_t>{0, 1});
  CHECK(file.dims("attention/weights") == std::vector<std::string>{"trial", "layer", "head", "query", "key"});
  CHECK(file.shape("attention/weights") == std::vector<std::size_t>{2, 2, 1, 4, 4});
  const auto weights = file.read<float>("attention/weights");
  CHECK(weights[2] == 0.25F);
  CHECK(std::isnan(weights[3]));   // the first trial has three keys
  CHECK(std::isnan(weights[12]));  // and three queries
  CHECK(std::none_of(weights.begin() + 32, weights.end(), [](float w) { return std::isnan(w); }));
  CHECK(file.read<std::int64_t>("attention/tokens")[3] == file.integer("attention/tokens", "_FillValue"));
}

TEST_CASE("merge: a variant is called as today's plan calls it") {
  const TempFolder folder;
  std::vector<Source> sources = write_all(folder, sample_records());
  merge_to(folder, sources, "before.h5");
  sources[0].variant = "window(size=4)";
  merge_to(folder, sources, "before.h5");  // another label, so it is written again
  const std::vector<std::string> variants = read_results(folder / "before.h5").texts("variant");
  CHECK(std::count(variants.begin(), variants.end(), "window(size=4)") == 1);
}

TEST_CASE("merge: an array that fits no other is reported and left out") {
  const TempFolder folder;
  std::vector<Record> records = sample_records();
  records[1].arrays[0].dims = {"layer", "head", "row", "column"};
  const MergeReport report = merge_to(folder, write_all(folder, records), "results.h5");
  REQUIRE(report.conflicts.size() == 1);
  CHECK_THAT(report.conflicts[0], ContainsSubstring(records[1].id) && ContainsSubstring("attention/weights"));
  const auto weights = H5Reader(folder / "results.h5").read<float>("attention/weights");
  REQUIRE(weights.size() ==
          2 * 2 * 4 * 3);  // four queries by the tokens, three keys by the weights that are left
  CHECK(std::all_of(weights.end() - 24, weights.end(), [](float w) { return std::isnan(w); }));
}

TEST_CASE("one id is one row: done goes before failed, and a difference is reported") {
  const TempFolder folder, again;
  std::vector<Record> records = sample_records();
  records.resize(2);
  std::vector<Source> sources = write_all(folder, records);
  SECTION("equal results") {
    records[0].seconds = 99;  // varies between runs
    sources.push_back(write_all(again, {records[0]})[0]);
    const MergeReport report = merge_to(folder, sources, "results.h5");
    CHECK(report.trials == 2);
    CHECK(report.conflicts.empty());
  }
  SECTION("different numbers") {
    records[0].metrics[0].value += 1e-16 + 1e-3;
    sources.push_back(write_all(again, {records[0]})[0]);
    const MergeReport report = merge_to(folder, sources, "results.h5");
    CHECK(report.trials == 2);
    REQUIRE(report.conflicts.size() == 1);
    CHECK_THAT(report.conflicts[0], ContainsSubstring(records[0].id) && ContainsSubstring("test_accuracy"));
  }
  SECTION("failed and done") {
    Record failed = records[0];
    failed.status = Status::failed;
    sources.insert(sources.begin(), write_all(again, {failed})[0]);
    merge_to(folder, sources, "results.h5");
    CHECK(read_results(folder / "results.h5").texts("status") == std::vector<std::string>{"done", "done"});
  }
}

TEST_CASE("merge: temporary and foreign files are not taken for results") {
  const TempFolder folder;
  const std::vector<Source> sources = write_all(folder, sample_records());
  const std::string id = sample_records()[0].id;
  for (const std::string& name : {id + ".h5.tmp.laptop.12", id + ".h5.tmp.laptop.12.1",
                                  std::string("results.h5"), std::string("notes.txt"), id + ".log"})
    std::ofstream(folder / name) << "torn";
  CHECK(trial_files(folder.path()).size() == sources.size());
}

TEST_CASE("merge: a damaged file is reported and left out") {
  const TempFolder folder;
  const std::vector<Source> sources = write_all(folder, sample_records());
  std::filesystem::resize_file(sources[2].path, 1000);
  const MergeReport report = merge_to(folder, sources, "results.h5");
  CHECK(report.trials == 5);
  REQUIRE(report.damaged.size() == 1);
  CHECK_THAT(report.damaged[0], ContainsSubstring(sources[2].path.string()));
}

TEST_CASE("merge: nothing to merge gives a file without rows") {
  const TempFolder folder;
  CHECK(merge_to(folder, {}, "results.h5").trials == 0);
  CHECK(read_results(folder / "results.h5").trial.empty());
}
