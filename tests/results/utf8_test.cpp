#include "results/utf8.h"

#include "tests/catch.h"

using heed::results::valid_utf8;

TEST_CASE("utf8: valid UTF-8 stays as it is") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\xA5\n";
  CHECK(valid_utf8(text) == text);
}

TEST_CASE("utf8: a byte that is not UTF-8 becomes one replacement character") {
  const std::string replacement = "\xEF\xBF\xBD";
  CHECK(valid_utf8("a\xFFz") == "a" + replacement + "z");
  CHECK(valid_utf8(std::string_view("a\0z", 3)) == "a" + replacement + "z");
  CHECK(valid_utf8("\xE2\x82") == replacement + replacement);                    // cut off
  CHECK(valid_utf8("\xC0\xAF") == replacement + replacement);                    // an overlong slash
  CHECK(valid_utf8("\xED\xA0\x80") == replacement + replacement + replacement);  // a surrogate
}
