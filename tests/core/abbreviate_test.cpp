#include "core/abbreviate.h"

#include <string>

#include "core/config.h"
#include "tests/catch.h"

namespace heed {

TEST_CASE("abbreviated: a quoted value and a long word are cut, with an ellipsis") {
  const std::string letters(1000, 'x'), sixty = letters.substr(0, 60) + "…";
  CHECK(abbreviated("train.lr: unknown value '" + letters + "'. Known: a.") ==
        "train.lr: unknown value '" + sixty + "'. Known: a.");
  CHECK(abbreviated("'" + std::string(10, 'a') + ' ' + letters + "' is no metric.") ==
        "'" + std::string(10, 'a') + ' ' + letters.substr(0, 49) + "…' is no metric.");
  CHECK(abbreviated(letters + ": unknown key.") == sixty + " unknown key.");
  CHECK(abbreviated("two: '" + letters + "' and '" + letters + "'") ==
        "two: '" + sixty + "' and '" + sixty + "'");
  // Characters, not bytes.
  std::string greek;
  for (int i = 0; i < 100; ++i) greek += "λ";
  CHECK(abbreviated("'" + greek + "' is long enough") == "'" + greek.substr(0, 120) + "…' is long enough");
}

TEST_CASE("abbreviated: what a person can read stays, and so do paths") {
  const std::string path = "/home/" + std::string(200, 'd') + "/corpus.txt";
  for (const std::string& whole :
       {std::string("the file's own name, the trials' files and the user's: nothing of it is quoted at all, "
                    "so it stays"),
        "cannot read the text '" + path + "': no such file",
        "heed: " + path + ": is a folder, not a sweep file.",
        std::string("a word of eighty letters: ") + std::string(80, 'x') + " is left, as it is not quoted"})
    CHECK(abbreviated(whole) == whole);
  const std::string once = abbreviated("'" + std::string(99, 'x') + "' is cut once");
  CHECK(abbreviated(once) == once);
}

TEST_CASE("Problems and suggestions: values are cut, and each candidate is named once") {
  Problems problems;
  problems.add({"a.yaml", 3, 1}, "name: found '" + std::string(1000000, 'x') + "'.");
  CHECK(problems.lines().at(0).size() < 120);
  CHECK(suggestion("sofmax", {"softmax", "softmax", "linear", "softmax"}) ==
        " Did you mean 'softmax'? Known: softmax, linear.");
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back("name" + std::to_string(i));
  CHECK_THAT(suggestion(std::string(1000000, 'x'), many), ContainsSubstring("name49 and 10 more."));
}

}  // namespace heed
