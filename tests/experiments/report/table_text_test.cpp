// The tables of a comparison as text and CSV.
#include "experiments/report/compare/table_text.h"

#include <string>

#include "experiments/report/compare/table_cells.h"
#include "tests/catch.h"

using heed::aligned;
using heed::rounded;

TEST_CASE("rounded: has four decimals, or two significant digits of a very small number") {
  CHECK(rounded(0.98294) == "0.9829");
  CHECK(rounded(1234.6) == "1235");
  CHECK(rounded(0) == "0.0000");
  CHECK(rounded(0.0012345) == "0.0012");
  CHECK(rounded(0.00083456) == "0.00083");
  CHECK(rounded(-0.000834) == "-0.00083");
  CHECK(rounded(0.000031234) == "3.1e-05");
  CHECK(rounded(1.2345e-9) == "1.2e-09");
}

TEST_CASE("aligned: numbers are right-aligned, words left-aligned, empty columns left out") {
  CHECK(aligned({{"name", "none", "size"}, {"a", "", "10"}, {"bcd", "", "9"}}) ==
        "name  size\n"
        "a       10\n"
        "bcd      9\n");
}

TEST_CASE("aligned: a table that is too wide has its widest column of words broken at spaces") {
  const std::vector<std::vector<std::string>> rows = {
      {"name", "setting", "size"}, {"a", "lr=0.1 length=64 batch=8", "1,000"}, {"b", "lr=0.2", "20"}};
  CHECK(aligned(rows, 40) == aligned(rows));
  CHECK(aligned(rows, 25) ==
        "name  setting        size\n"
        "a     lr=0.1        1,000\n"
        "      length=64\n"
        "      batch=8\n"
        "b     lr=0.2           20\n");
  CHECK(aligned(rows, 29) ==
        "name  setting            size\n"
        "a     lr=0.1 length=64  1,000\n"
        "      batch=8\n"
        "b     lr=0.2               20\n");
}

TEST_CASE("aligned: a word that is too long is not cut") {
  CHECK(aligned({{"name", "n"}, {"softmax softmax(size=64)", "1"}}, 5) ==
        "name              n\n"
        "softmax           1\n"
        "softmax(size=64)\n");
}
