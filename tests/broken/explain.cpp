// The texts of the checks, and that each check has a broken variant in this folder.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "core/check/conformance.h"
#include "tests/catch.h"
#include "tests/paths.h"

using namespace heed;

namespace {

std::string sources_of(const std::filesystem::path& folder) {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".cpp") {
      std::ifstream in(entry.path());
      out.append(std::istreambuf_iterator<char>(in), {});
    }
  return out;
}

}  // namespace

TEST_CASE("heed check: every check is explained in a few lines") {
  std::set<std::string_view> names;
  for (const CheckInfo& c : all_checks()) {
    CAPTURE(std::string(c.name));
    CHECK(names.insert(c.name).second);
    CHECK(!c.summary.empty());
    CHECK(c.text.ends_with('\n'));
    const auto lines = std::ranges::count(c.text, '\n');
    CHECK(lines >= 6);
    CHECK(lines <= 15);
    std::istringstream in{std::string(c.text)};
    for (std::string line; std::getline(in, line);) CHECK(line.size() <= 110);
    for (const char* part : {"Done     ", "\nWhy      ", "\nUsually  ", "\nLook     "})
      CHECK_THAT(std::string(c.text), ContainsSubstring(part));
  }
}

TEST_CASE("heed check: every check has a broken variant that it catches") {
  const std::string sources = sources_of(test::source_dir() / "tests" / "broken");
  for (const CheckInfo& c : all_checks()) {
    CAPTURE(std::string(c.name));
    CHECK_THAT(sources, ContainsSubstring("\"), \"" + std::string(c.name) + "\"") ||
                            ContainsSubstring("\"" + std::string(c.name) + "\","));
  }
}
