#include "results/comparison.h"

#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/merged_sample.h"

using namespace heed::results;
using heed::test::kUnchanged;
using heed::test::merged_sample;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

TEST_CASE("comparison: files that differ only in times and host are equal") {
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
  CHECK(compare_results(merged_sample(one, kUnchanged), merged_sample(two, elsewhere)).empty());
}

TEST_CASE("comparison: what varies and only one file records is no difference") {
  const TempFolder one, two;
  const auto more = [](bool varies) {
    return [varies](std::vector<Record>& records, Provenance&) {
      for (Record& record : records) record.metrics.push_back({"extra", 1, "", "", varies});
    };
  };
  const auto older = merged_sample(one, kUnchanged);
  CHECK(compare_results(older, merged_sample(two, more(true))).empty());
  CHECK(compare_results(merged_sample(two, more(true)), older).empty());
  CHECK(compare_results(older, merged_sample(two, more(false))) == Words{"extra"});
}

TEST_CASE("comparison: each difference is named") {
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
  CHECK(compare_results(merged_sample(one, kUnchanged), merged_sample(two, changed)) ==
        Words{"attention/tokens", "attention/weights", "reason", "test_accuracy", "train_loss", "extra",
              "/build"});
}

TEST_CASE("comparison: the digest is of everything but times, hosts and builds") {
  const TempFolder one, two;
  const std::string digest = content_digest(merged_sample(one, kUnchanged));
  CHECK(digest.size() == 16);
  CHECK(content_digest(merged_sample(two, [](std::vector<Record>& records, Provenance& provenance) {
          provenance = {"9.9", "clang-99", "cluster", "heed merge", "2025-01-01T00:00:00Z"};
          for (Record& record : records) {
            record.provenance = provenance;
            record.metrics.back().value *= 3;  // step_time
          }
        })) == digest);
}

TEST_CASE("comparison: the digest changes with any bit of a metric, a curve, an array or a text") {
  const TempFolder whole;
  const std::string digest = content_digest(merged_sample(whole, kUnchanged));
  const auto changed = [&](auto&& change) {
    const TempFolder folder;
    return content_digest(merged_sample(
               folder, [&](std::vector<Record>& records, Provenance&) { change(records); })) != digest;
  };
  CHECK_FALSE(changed([](std::vector<Record>&) {}));
  CHECK(changed([](std::vector<Record>& records) { records[0].metrics[0].value += 1e-15; }));
  CHECK(changed([](std::vector<Record>& records) { records[1].curves[0].values[1] = 0; }));
  CHECK(changed([](std::vector<Record>& records) { records[2].reason = "why"; }));
  CHECK(changed([](std::vector<Record>& records) {
    std::get<std::vector<float>>(records[0].arrays[0].values)[5] = 0;
  }));
  CHECK(changed([](std::vector<Record>& records) {
    records[4].metrics.push_back({"extra", 1, "", "", false});
  }));
}

TEST_CASE("comparison: a damaged file has no digest and equals no other") {
  const TempFolder folder;
  const auto path = merged_sample(folder, kUnchanged);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  CHECK_THROWS_AS(compare_results(path, path), DamagedFile);
  CHECK_THROWS_AS(content_digest(path), DamagedFile);
}
