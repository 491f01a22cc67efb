// `heed angles`: what it prints and writes, and what it refuses.
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "results/h5_reader.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::results::H5Reader;
using heed::test::Ended;
using heed::test::heed;
using heed::test::read_file;
using heed::test::TempFolder;
using heed::test::write_file;
using Words = std::vector<std::string>;

// Returns the cells of the table's row of a dimension.
Words row_of(const std::string& text, const std::string& dim) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Words cells;
    for (std::string word; words >> word;) cells.push_back(word);
    if (cells.size() > 1 && cells[1] == dim) return cells;
  }
  return {};
}

TEST_CASE("heed angles: prints a row for each dimension, and writes the same numbers") {
  const TempFolder folder;
  const Ended ended =
      heed(folder.path(), {"angles", "--dim", "2..8", "--within", "1", "--work", "0.001", "-o", "angles.h5"});
  REQUIRE(ended.code == 0);
  const Words two = row_of(ended.out, "2");
  REQUIRE(two.size() >= 4);
  CHECK(two[2] == "0.01111");  // 1/90
  CHECK(two[3] == "1.0111");
  CHECK((!row_of(ended.out, "4").empty() && !row_of(ended.out, "8").empty()));
  CHECK_THAT(ended.err, ContainsSubstring("within 1 degrees, dimension 8"));  // progress

  const H5Reader file(folder.path() / "angles.h5");
  CHECK(file.text("/", "format") == "heed angles");
  CHECK(file.read<std::int64_t>("dim") == std::vector<std::int64_t>{2, 4, 8});
  CHECK(file.read<double>("within") == std::vector<double>{1});
  CHECK(file.dims("random_simulated") == Words{"angle", "dim"});
  CHECK(file.read<std::int64_t>("found") == std::vector<std::int64_t>{2, 4, 8});
  CHECK(file.read<double>("most_that_fit") == std::vector<double>{2, 4, 8});
  CHECK(file.read<std::int64_t>("search_end") == std::vector<std::int64_t>{0, 0, 0});
  CHECK(std::abs(file.read<double>("pair_fits")[0] - 1.0 / 90) < 1e-14);
  for (const std::int64_t n : file.read<std::int64_t>("simulations")) CHECK(n > 100);
}

TEST_CASE("heed angles: the same seed gives the same file and table, another seed others") {
  const TempFolder folder;
  const auto angles = [&](const char* seed, const char* threads, const char* file) {
    const Ended ended = heed(folder.path(), {"angles", "--dim", "16", "--within", "10", "20", "--work",
                                             "0.01", "--seed", seed, "--threads", threads, "-o", file});
    REQUIRE(ended.code == 0);
    return ended.out;
  };
  const std::string first = angles("3", "1", "a.h5");
  CHECK(angles("3", "3", "b.h5") == first);
  CHECK(angles("4", "1", "c.h5") != first);
  CHECK(read_file(folder.path() / "a.h5") == read_file(folder.path() / "b.h5"));
  CHECK(read_file(folder.path() / "a.h5") != read_file(folder.path() / "c.h5"));
}

TEST_CASE("heed angles: draws its figure") {
  const TempFolder folder;
  const Ended ended = heed(folder.path(), {"angles", "--dim", "2..8", "--within", "1", "10", "--work",
                                           "0.001", "--figures", "figures"});
  REQUIRE(ended.code == 0);
  for (const char* file :
       {"directions.svg", "directions.pdf", "directions.png", "directions.tsv", "directions.gp"})
    CHECK(std::filesystem::file_size(folder.path() / "figures" / file) > 100);
  CHECK_THAT(read_file(folder.path() / "figures" / "directions.svg"),
             ContainsSubstring("number of directions"));
}

TEST_CASE("heed angles: refuses wrong options with place and remedy") {
  const TempFolder folder;
  const auto message = [&](const Words& options) {
    Words words = {"angles"};
    words.insert(words.end(), options.begin(), options.end());
    const Ended ended = heed(folder.path(), words);
    CHECK(ended.code == 2);
    CHECK(ended.out.empty());
    return ended.err;
  };
  CHECK_THAT(message({"--dim", "1"}), ContainsSubstring("--dim is 1 but must be between 2 and 1000000."));
  CHECK_THAT(message({"--dim", "8..2"}),
             ContainsSubstring("the range ends below its beginning; write 2..8."));
  CHECK_THAT(message({"--dim", "2.."}),
             ContainsSubstring("--dim '2..' is not understood; it is a number or a range"));
  CHECK_THAT(message({"--dim", "two"}), ContainsSubstring("--dim 'two' is not understood"));
  CHECK_THAT(message({"--within", "0"}),
             ContainsSubstring("--within is 0 but must be above 0 and below 90 degrees."));
  CHECK_THAT(message({"--within", "90"}), ContainsSubstring("--within is 90 but"));
  CHECK_THAT(message({"--within", "nan"}), ContainsSubstring("--within is nan but"));
  CHECK_THAT(message({"--seed", "-1"}), ContainsSubstring("--seed is -1 but must not be negative."));
  CHECK_THAT(message({"--work", "-1"}), ContainsSubstring("--work is -1 but must be between 0 and"));
  CHECK_THAT(message({"--threads", "0"}), ContainsSubstring("--threads is 0 but must be at least 1."));
  CHECK_THAT(message({"--dim", "8", "--figures", "f"}), ContainsSubstring("give --dim at least two"));
  CHECK_THAT(message({"--withn", "1"}),
             ContainsSubstring("unknown option '--withn'. Did you mean '--within'?"));
}

TEST_CASE("heed angles: replaces only a file of its own") {
  const TempFolder folder;
  const Words words = {"angles", "--dim", "2", "--work", "0", "-o", "a.h5"};
  write_file(folder.path() / "a.h5", "a letter");
  const Ended refused = heed(folder.path(), words);
  CHECK(refused.code == 74);
  CHECK_THAT(refused.err, ContainsSubstring("a.h5") && ContainsSubstring("file of angles"));
  CHECK(read_file(folder.path() / "a.h5") == "a letter");
  std::filesystem::remove(folder.path() / "a.h5");
  CHECK(heed(folder.path(), words).code == 0);
  CHECK(heed(folder.path(), words).code == 0);
}

}  // namespace
