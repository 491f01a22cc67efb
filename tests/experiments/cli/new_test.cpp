// heed new: the names that it takes.
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

TEST_CASE("heed new: a name that cannot be a variant's is refused with the reason") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"stack", "lists the variants that layers take in turn"},
      {"grow", "lists the stages"},
      {"none", "means no positions"},
      {"true", "YAML readers do not take it as a string"},
      {"train", "a section of the sweep file"},
      {"softmax", "heed has an attention variant of this name"},
      {"mlp", "heed has a feed-forward of this name"},
      {"rope", "heed has a kind of position of this name"},
      {"mqar", "heed has a task of this name"},
      {"static", "it is a keyword of C++"},
      {"std", "a namespace"},
      {"test", "every CMake project has a target of this name"},
      {"label", "names the rows of a variant"},
      {"head", "its type would be Head"},
      {"mat", "its type would be Mat"},
      {"saved", "its type would be Saved"},
      {"Cosine", "lowercase letters"},
      {"a__b", "lowercase letters"},
      {"2d", "lowercase letters"},
      {std::string(200, 'a'), "at most 60 characters"}};
  for (const auto& [name, reason] : cases) {
    const TempFolder folder;
    const Ended ended = heed::test::heed(folder.path(), {"new", "variant", name});
    CAPTURE(name);
    CHECK(ended.code == 2);
    CHECK_THAT(ended.err, ContainsSubstring(reason));
    CHECK_FALSE(std::filesystem::exists(folder / name));
  }
  CHECK(heed::test::heed(TempFolder().path(), {"new", "variant", "cosine_top2"}).code == 0);
  CHECK(heed::test::heed(TempFolder().path(), {"new", "variant", "my_variant"}).code == 0);
}

TEST_CASE("heed new: a name whose type core has already is refused, of any header") {
  namespace fs = std::filesystem;
  const std::regex declared("(?:struct|class|enum class|enum|concept|using) ([A-Z][A-Za-z0-9]*).*");
  std::set<std::string> types;
  for (const auto& file : fs::recursive_directory_iterator(source_dir() / "core")) {
    if (file.path().extension() != ".h") continue;
    std::istringstream text(read_file(file.path()));
    std::smatch match;
    for (std::string line; std::getline(text, line);)
      if (std::regex_match(line, match, declared)) types.insert(match[1]);
  }
  for (const char* expected : {"Layer", "Mask", "Head", "Index", "ProductPrecision"})
    CHECK(types.contains(expected));
  const TempFolder folder;
  for (const std::string& type : types) {
    std::string name;
    for (const char c : type) {
      if (std::isupper(static_cast<unsigned char>(c)) != 0 && !name.empty()) name += '_';
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    INFO(name << ": if it is in a new header, run CMake again");
    const Ended ended = heed::test::heed(folder.path(), {"new", "variant", name});
    CHECK(ended.code == 2);
    CHECK_THAT(ended.err, ContainsSubstring("cannot be called"));
  }
}
