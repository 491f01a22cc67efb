#include <cmath>
#include <limits>

#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/h5_reader.h"
#include "results/h5_writer.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

namespace {

void save(H5Writer& file, const std::filesystem::path& path) {
  std::vector<std::byte> bytes = file.finish();
  add_checksum(bytes, "test");
  write_file(path, bytes, IfExists::replace);
}

}  // namespace

TEST_CASE("h5: a variable comes back with its numbers and the names of its dimensions") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.coordinate("step", std::vector<std::int64_t>{10, 20, 30});
  file.dimension("head", 2);
  const std::vector<double> numbers = {1, 2, 3, 4, 5, std::numeric_limits<double>::infinity()};
  file.variable<double>("loss", numbers, {"step", "head"});
  file.variable<float>("scalar", std::vector<float>{0.5F}, {});
  file.group("weights");
  file.dimension("weights/head", 2);
  file.variable<std::int64_t>("weights/q.0", std::vector<std::int64_t>{-1, 1}, {"head"});
  save(file, folder / "a.h5");

  const H5Reader read(folder / "a.h5");
  CHECK(read.variables("/") == Words{"step", "head", "loss", "scalar"});
  CHECK(read.groups("/") == Words{"weights"});
  CHECK(read.read<double>("loss") == numbers);
  CHECK(read.dims("loss") == Words{"step", "head"});
  CHECK(read.shape("loss") == std::vector<std::size_t>{3, 2});
  CHECK(read.read<std::int64_t>("step") == std::vector<std::int64_t>{10, 20, 30});
  CHECK(read.read<float>("scalar") == std::vector<float>{0.5F});
  CHECK(read.shape("scalar").empty());
  CHECK(read.dims("weights/q.0") == Words{"head"});
  CHECK(read.read<std::int64_t>("weights/q.0") == std::vector<std::int64_t>{-1, 1});
  CHECK(read.is_dimension("weights/head"));
  CHECK(read.has("weights"));
  CHECK_FALSE(read.has("nothing"));
}

TEST_CASE("h5: rows written one by one equal the variable written at once") {
  const TempFolder folder;
  const std::size_t rows = 300, columns = 700;  // several chunks
  std::vector<double> numbers(rows * columns);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(double(i));
  H5Writer file(folder / "a.h5");
  file.dimension("trial", rows);
  file.dimension("step", columns);
  file.variable<double>("whole", numbers, {"trial", "step"});
  file.begin_rows<double>("rows", {"trial", "step"});
  for (std::size_t row = 0; row < rows; ++row)
    file.row<double>("rows", row, std::span(numbers).subspan(row * columns, columns));
  save(file, folder / "a.h5");
  const H5Reader read(folder / "a.h5");
  CHECK(read.read<double>("rows") == numbers);
  CHECK(read.read<double>("whole") == numbers);
}

TEST_CASE("h5: a single row can be read, and a missing one is refused") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.dimension("trial", 3);
  file.dimension("key", 2);
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  file.variable<float>("weights", numbers, {"trial", "key"});
  save(file, folder / "a.h5");
  const H5Reader read(folder / "a.h5");
  CHECK(read.read_rows<float>("weights", 1) == std::vector<float>{3, 4});
  CHECK_THROWS_AS(read.read_rows<float>("weights", 3), heed::results::DamagedFile);
}

TEST_CASE("h5: texts and attributes come back, made valid UTF-8") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.dimension("trial", 3);
  const Words words = {"softmax", "", "\xC3\xA9"};
  file.strings("variant", words, {"trial"});
  const Words bad = {"bad \xFF"};
  file.strings("note", bad, {});
  file.attribute("/", "version", "1.0");
  file.attribute("variant", "count", std::int64_t{-3});
  file.attribute("variant", "share", 0.25);
  file.attribute("variant", "long", std::string(100'000, 'x'));
  save(file, folder / "a.h5");
  const H5Reader read(folder / "a.h5");
  CHECK(read.strings("variant") == words);
  CHECK(read.strings("note") == Words{"bad \xEF\xBF\xBD"});
  CHECK(read.text("/", "version") == "1.0");
  CHECK(read.integer("variant", "count") == -3);
  CHECK(std::get<double>(*read.find_attribute("variant", "share")) == 0.25);
  CHECK(read.text("variant", "long").size() == 100'000);
  CHECK_FALSE(read.find_attribute("variant", "absent"));
  CHECK_THROWS_AS(read.text("variant", "count"), DamagedFile);
}

TEST_CASE("h5: a dimension may have no length") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.coordinate("eval", std::vector<std::int64_t>{});
  file.dimension("trial", 2);
  file.begin_rows<double>("loss", {"trial", "eval"});
  file.row<double>("loss", 1, {});
  file.strings("word", {}, {"eval"});
  save(file, folder / "a.h5");
  const H5Reader read(folder / "a.h5");
  CHECK(read.shape("loss") == std::vector<std::size_t>{2, 0});
  CHECK(read.read<double>("loss").empty());
  CHECK(read.strings("word").empty());
}

TEST_CASE("h5: misuse of the writer is reported as a bug, with its place") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.dimension("trial", 2);
  const std::vector<double> numbers = {1, 2, 3};
  CHECK_THROWS_WITH(file.variable<double>("x", numbers, {"trial"}), ContainsSubstring("'x'"));
  CHECK_THROWS_WITH(file.variable<double>("y", numbers, {"step"}), ContainsSubstring("not in its group"));
  CHECK_THROWS_AS(file.dimension("trial", 2), IoError);  // HDF5 says that the name exists
}

// As if HDF5 ignored a failed allocation in one of the builds.
TEST_CASE("h5: a file that HDF5 has stored wrongly once is not returned") {
  const TempFolder folder;
  int builds = 0, wrong = 0;
  const auto build = [&] {
    H5Writer file(folder / "a.h5");
    file.dimension("trial", 2);
    file.variable<double>("loss", std::vector<double>{1, 2}, {"trial"});
    if (++builds == wrong) {
      hid_t id = -1;
      REQUIRE(H5Fget_obj_ids(hid_t{H5F_OBJ_ALL}, H5F_OBJ_FILE, 1, &id) == 1);
      const hid_t loss = H5Dopen2(id, "loss", H5P_DEFAULT);
      const std::vector<double> other = {1, 3};
      REQUIRE(H5Dwrite(loss, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, other.data()) >= 0);
      H5Dclose(loss);
    }
    return file.finish();
  };
  const std::vector<std::byte> right = built_twice("a.h5", build);
  CHECK(right == build());
  for (wrong = 1; wrong <= 2; ++wrong) {
    builds = 0;
    CHECK_THROWS_AS(built_twice("a.h5", build), IoError);
  }
}

TEST_CASE("h5: two writers work side by side") {
  const TempFolder folder;
  H5Writer one(folder / "a.h5"), two(folder / "a.h5");
  one.dimension("trial", 1);
  two.dimension("trial", 2);
  save(one, folder / "one.h5");
  save(two, folder / "two.h5");
  CHECK(H5Reader(folder / "one.h5").shape("trial") == std::vector<std::size_t>{1});
  CHECK(H5Reader(folder / "two.h5").shape("trial") == std::vector<std::size_t>{2});
}

TEST_CASE("h5: a file without a checksum is read only on request") {
  const TempFolder folder;
  H5Writer file(folder / "a.h5");
  file.dimension("trial", 1);
  write_file(folder / "a.h5", file.finish(), IfExists::replace);
  CHECK_THROWS_WITH(H5Reader(folder / "a.h5"), ContainsSubstring("checksum"));
  CHECK(H5Reader(folder / "a.h5", H5Reader::Checksum::none).has("trial"));
}

TEST_CASE("h5: names may be long") {
  const TempFolder folder;
  const std::string name(1000, 'n'), dim(300, 'd');
  H5Writer file(folder / "a.h5");
  file.dimension(dim, 1);
  file.variable<double>(name, std::vector<double>{1}, {dim});
  save(file, folder / "a.h5");
  const H5Reader read(folder / "a.h5");
  CHECK(read.variables("/") == Words{dim, name});
  CHECK(read.dims(name) == Words{dim});
}
