// The main function of every test program.
#define CATCH_CONFIG_RUNNER
#include <cstdlib>

#include "tests/catch.h"
#include "tests/paths.h"

namespace heed::test {

std::filesystem::path source_dir() { return HEED_SOURCE_DIR; }
std::filesystem::path build_dir() { return HEED_BUILD_DIR; }

std::filesystem::path program() {
  const char* replaced = std::getenv("HEED_PROGRAM");
  return replaced ? std::filesystem::path(replaced) : build_dir() / "bin" / "heed";
}

}  // namespace heed::test

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
