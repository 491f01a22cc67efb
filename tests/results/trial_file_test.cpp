#include "results/trial_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>

#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/errors.h"
#include "results/h5_writer.h"
#include "results/layout.h"
#include "tests/catch.h"
#include "tests/results/sample.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::sample_records;
using heed::test::TempFolder;

namespace {

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

std::filesystem::path home(const TempFolder& folder, const Record& record) {
  return folder / (record.id + ".h5");
}

void check_same(const Record& a, const Record& b) {
  CHECK(a.id == b.id);
  CHECK(a.plan_index == b.plan_index);
  CHECK(a.status == b.status);
  CHECK(a.reason == b.reason);
  CHECK(a.last_step == b.last_step);
  CHECK(a.seconds == b.seconds);
  CHECK(a.config == b.config);
  CHECK(a.provenance.command == b.provenance.command);
  CHECK(a.provenance.build == b.provenance.build);
  REQUIRE(a.metrics.size() == b.metrics.size());
  for (std::size_t i = 0; i < a.metrics.size(); ++i) {
    CHECK(a.metrics[i].name == b.metrics[i].name);
    CHECK(a.metrics[i].value == b.metrics[i].value);
    CHECK(a.metrics[i].unit == b.metrics[i].unit);
    CHECK(a.metrics[i].doc == b.metrics[i].doc);
    CHECK(a.metrics[i].varies == b.metrics[i].varies);
  }
  REQUIRE(a.curves.size() == b.curves.size());
  for (std::size_t i = 0; i < a.curves.size(); ++i) {
    CHECK(a.curves[i].name == b.curves[i].name);
    CHECK(a.curves[i].axis == b.curves[i].axis);
    CHECK(same_bits(a.curves[i].values, b.curves[i].values));
  }
}

void check_same_parameters(const Record& a, const Record& b) {
  REQUIRE(a.parameters.size() == b.parameters.size());
  for (const Parameter& parameter : a.parameters) {
    bool found = false;
    for (const Parameter& other : b.parameters)
      found |= parameter.name == other.name && parameter.value == other.value;
    INFO(parameter.name);
    CHECK(found);
  }
}

// Without fsync: hundreds of these files are written.
std::filesystem::path write_to(const TempFolder& folder, const std::vector<std::byte>& bytes,
                               const Record& record) {
  std::ofstream file(home(folder, record), std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  return home(folder, record);
}

}  // namespace

TEST_CASE("trial file: a record comes back from its file as it was") {
  const TempFolder folder;
  for (const Record& record : sample_records()) {
    REQUIRE(write_trial(record, home(folder, record)));
    const Record read = read_trial(home(folder, record));
    check_same(record, read);
    check_same_parameters(record, read);
  }
}

TEST_CASE("trial file: arrays come back with shape, dimensions and type") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_trial(record, home(folder, record));
  const Record read = read_trial(home(folder, record));
  REQUIRE(read.arrays.size() == record.arrays.size());
  for (std::size_t i = 0; i < record.arrays.size(); ++i) {
    CHECK(read.arrays[i].group == record.arrays[i].group);
    CHECK(read.arrays[i].name == record.arrays[i].name);
    CHECK(read.arrays[i].shape == record.arrays[i].shape);
    CHECK(read.arrays[i].values == record.arrays[i].values);
  }
  CHECK(read.arrays[0].dims == record.arrays[0].dims);
  CHECK(read.arrays[2].dims == std::vector<std::string>{"axis0_50", "axis1_100"});  // had none
  CHECK(read_trial_arrays(home(folder, record), "logits").size() == 1);
  CHECK(read_trial_arrays(home(folder, record), "probes").empty());
  CHECK(read_trial_summary(home(folder, record)).arrays[0].shape == record.arrays[0].shape);
}

TEST_CASE("trial file: id and status are read from the end of the file only") {
  const TempFolder folder;
  for (const Record& record : sample_records()) {
    write_trial(record, home(folder, record));
    const Outcome outcome = read_outcome(home(folder, record));
    CHECK(outcome.id == record.id);
    CHECK(outcome.status == record.status);
  }
}

TEST_CASE("trial file: equal records give equal bytes") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_trial(record, folder / "a.h5");
  write_trial(record, folder / "b.h5");
  CHECK(read_file(folder / "a.h5") == read_file(folder / "b.h5"));
}

TEST_CASE("trial file: a trial file is replaced only on request") {
  const TempFolder folder;
  Record record = sample_records()[0];
  CHECK(write_trial(record, home(folder, record)));
  record.reason = "a second try";
  CHECK_FALSE(write_trial(record, home(folder, record)));
  CHECK(read_trial(home(folder, record)).reason.empty());
  replace_trial(record, home(folder, record));
  CHECK(read_trial(home(folder, record)).reason == "a second try");
}

TEST_CASE("trial file: any bytes in a reason are stored") {
  const TempFolder folder;
  Record record = sample_records()[0];
  record.reason = std::string("\xFF\0 what", 7);
  write_trial(record, home(folder, record));
  CHECK(read_trial(home(folder, record)).reason == "\xEF\xBF\xBD\xEF\xBF\xBD what");
}

TEST_CASE("a damaged file is refused: no crash, no other value") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_trial(record, home(folder, record));
  const std::vector<std::byte> whole = read_file(home(folder, record));
  std::mt19937_64 draw(7);
  const auto anywhere = [&](std::size_t below) { return std::size_t(draw() % below); };
  for (int i = 0; i < 600; ++i) {
    std::vector<std::byte> bytes = whole;
    const std::size_t at = anywhere(bytes.size());
    switch (i % 4) {
      case 0:
        bytes[at] ^= std::byte(1U << anywhere(8));
        break;
      case 1:
        bytes[at] = ~bytes[at];
        break;
      case 2:
        bytes.resize(at);
        break;
      default:
        std::fill_n(bytes.begin() + std::ptrdiff_t(at), std::min<std::size_t>(4096, bytes.size() - at),
                    std::byte{});
    }
    if (bytes == whole) continue;  // the zeroed page was empty
    INFO("mutation " << i << " at " << at);
    CHECK_THROWS_AS(read_trial(write_to(folder, bytes, record)), DamagedFile);
  }
}

TEST_CASE("trial file: a file with something behind its end is refused") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_trial(record, home(folder, record));
  std::vector<std::byte> bytes = read_file(home(folder, record));
  bytes.push_back(std::byte{});
  CHECK_THROWS_AS(read_trial(write_to(folder, bytes, record)), DamagedFile);
}

TEST_CASE("trial file: a file copied over another trial's file is refused") {
  const TempFolder folder;
  const std::vector<Record> records = sample_records();
  write_trial(records[0], home(folder, records[1]));
  CHECK_THROWS_WITH(read_trial(home(folder, records[1])), ContainsSubstring(records[0].id));
  CHECK_THROWS_WITH(read_outcome(home(folder, records[1])), ContainsSubstring(records[0].id));
}

TEST_CASE("trial file: a file of another schema or kind is refused with both named") {
  const TempFolder folder;
  const auto write_root = [&](const char* format, std::int64_t schema) {
    H5Writer file(folder / "x.h5");
    file.attribute("/", "format", format);
    file.attribute("/", "schema_version", schema);
    std::vector<std::byte> bytes = file.finish();
    add_checksum(bytes, "test");
    write_file(folder / "x.h5", bytes, IfExists::replace);
  };
  write_root(kTrialFormat, 99);
  CHECK_THROWS_WITH(read_trial(folder / "x.h5"), ContainsSubstring("99") && ContainsSubstring("2"));
  write_root(kResultsFormat, kSchema);
  CHECK_THROWS_WITH(read_trial(folder / "x.h5"), ContainsSubstring("heed results"));
  write_root(kTrialFormat, kSchema);
  CHECK_THROWS_AS(read_trial(folder / "x.h5"), DamagedFile);
}
