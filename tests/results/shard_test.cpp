#include "results/shard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>

#include <hdf5.h>

#include "results/atomic_file.h"
#include "results/errors.h"
#include "results/h5_writer.h"
#include "results/layout.h"
#include "results/seal.h"
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

TEST_CASE("shard: a record comes back from its file as it was") {
  const TempFolder folder;
  for (const Record& record : sample_records()) {
    REQUIRE(write_shard(record, home(folder, record)));
    const Record read = read_shard(home(folder, record));
    check_same(record, read);
    check_same_parameters(record, read);
  }
}

TEST_CASE("shard: arrays come back with shape, dimensions and type") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_shard(record, home(folder, record));
  const Record read = read_shard(home(folder, record));
  REQUIRE(read.arrays.size() == record.arrays.size());
  for (std::size_t i = 0; i < record.arrays.size(); ++i) {
    CHECK(read.arrays[i].group == record.arrays[i].group);
    CHECK(read.arrays[i].name == record.arrays[i].name);
    CHECK(read.arrays[i].shape == record.arrays[i].shape);
    CHECK(read.arrays[i].values == record.arrays[i].values);
  }
  CHECK(read.arrays[0].dims == record.arrays[0].dims);
  CHECK(read.arrays[2].dims == std::vector<std::string>{"axis0_50", "axis1_100"});  // had none
  CHECK(read_shard_arrays(home(folder, record), "logits").size() == 1);
  CHECK(read_shard_arrays(home(folder, record), "probes").empty());
  CHECK(read_shard_summary(home(folder, record)).arrays[0].shape == record.arrays[0].shape);
}

TEST_CASE("shard: id and status are read from the end of the file only") {
  const TempFolder folder;
  for (const Record& record : sample_records()) {
    write_shard(record, home(folder, record));
    const Outcome outcome = read_outcome(home(folder, record));
    CHECK(outcome.id == record.id);
    CHECK(outcome.status == record.status);
  }
}

TEST_CASE("shard: equal records give equal bytes") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_shard(record, folder / "a.h5");
  write_shard(record, folder / "b.h5");
  CHECK(read_file(folder / "a.h5") == read_file(folder / "b.h5"));
}

TEST_CASE("shard: a trial file is replaced only on request") {
  const TempFolder folder;
  Record record = sample_records()[0];
  CHECK(write_shard(record, home(folder, record)));
  record.reason = "a second try";
  CHECK_FALSE(write_shard(record, home(folder, record)));
  CHECK(read_shard(home(folder, record)).reason.empty());
  replace_shard(record, home(folder, record));
  CHECK(read_shard(home(folder, record)).reason == "a second try");
}

TEST_CASE("shard: any bytes in a reason are stored") {
  const TempFolder folder;
  Record record = sample_records()[0];
  record.reason = std::string("\xFF\0 what", 7);
  write_shard(record, home(folder, record));
  CHECK(read_shard(home(folder, record)).reason == "\xEF\xBF\xBD\xEF\xBF\xBD what");
}

TEST_CASE("a damaged file is refused: no crash, no other value") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_shard(record, home(folder, record));
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
    CHECK_THROWS_AS(read_shard(write_to(folder, bytes, record)), DamagedFile);
  }
}

// As where HDF5 stores or reads another text than it was given, without an error: the seal is right then, and
// HDF5 has no checksum over its heap of texts.
TEST_CASE("shard: a record that is not the one that was handed over is refused") {
  const TempFolder folder;
  Record record = sample_records()[0];
  record.config = "the resolved configuration: one letter of it will be another";
  write_shard(record, home(folder, record));
  std::vector<std::byte> bytes = read_file(home(folder, record));
  remove_seal(bytes, home(folder, record));
  const auto text = std::as_bytes(std::span(record.config));
  const auto found = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
  REQUIRE(found != bytes.end());
  found[4] = std::byte{'R'};
  add_seal(bytes, record.id + " done");
  CHECK_THROWS_WITH(read_shard_summary(write_to(folder, bytes, record)), ContainsSubstring("checksum"));
}

// HDF5's own checksums are right here, as it is HDF5 that writes the other number.
TEST_CASE("shard: an array that is not the one that was handed over is refused") {
  const TempFolder folder;
  Record record = sample_records()[0];
  record.arrays = {{.group = "probes",
                    .name = "entropy",
                    .shape = {2},
                    .dims = {"layer"},
                    .values = std::vector<double>{0.25, 0.75},
                    .unit = "1",
                    .doc = ""}};
  const std::filesystem::path path = home(folder, record);
  write_shard(record, path);
  std::vector<std::byte> bytes = read_file(path);
  remove_seal(bytes, path);
  write_file(path, bytes, IfExists::replace);
  const std::array<double, 2> other = {0.25, 0.5};
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t data = H5Dopen2(file, "probes/entropy", H5P_DEFAULT);
  REQUIRE(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, other.data()) >= 0);
  H5Dclose(data);
  REQUIRE(H5Fclose(file) >= 0);
  bytes = read_file(path);
  add_seal(bytes, record.id + " done");
  write_file(path, bytes, IfExists::replace);
  const auto reported = ContainsSubstring("'probes'") && ContainsSubstring("checksum");
  CHECK_THROWS_WITH(read_shard(path), reported);
  CHECK_THROWS_WITH(read_shard_arrays(path, "probes"), reported);
}

TEST_CASE("shard: a file with something behind its end is refused") {
  const TempFolder folder;
  const Record record = sample_records()[0];
  write_shard(record, home(folder, record));
  std::vector<std::byte> bytes = read_file(home(folder, record));
  bytes.push_back(std::byte{});
  CHECK_THROWS_AS(read_shard(write_to(folder, bytes, record)), DamagedFile);
}

TEST_CASE("shard: a file copied over another trial's file is refused") {
  const TempFolder folder;
  const std::vector<Record> records = sample_records();
  write_shard(records[0], home(folder, records[1]));
  CHECK_THROWS_WITH(read_shard(home(folder, records[1])), ContainsSubstring(records[0].id));
  CHECK_THROWS_WITH(read_outcome(home(folder, records[1])), ContainsSubstring(records[0].id));
}

TEST_CASE("shard: a file of another schema or kind is refused with both named") {
  const TempFolder folder;
  const auto write_root = [&](const char* format, std::int64_t schema) {
    H5Writer file(folder / "x.h5");
    file.attribute("/", "format", format);
    file.attribute("/", "schema_version", schema);
    std::vector<std::byte> bytes = file.finish();
    add_seal(bytes, "test");
    write_file(folder / "x.h5", bytes, IfExists::replace);
  };
  write_root(kTrialFormat, 99);
  CHECK_THROWS_WITH(read_shard(folder / "x.h5"), ContainsSubstring("99") && ContainsSubstring("2"));
  write_root(kResultsFormat, kSchema);
  CHECK_THROWS_WITH(read_shard(folder / "x.h5"), ContainsSubstring("heed results"));
  write_root(kTrialFormat, kSchema);
  CHECK_THROWS_AS(read_shard(folder / "x.h5"), DamagedFile);
}
