// Where a test finds the tree and the program. Defined in tests/main.cpp, the one file compiled with these
// paths.
#pragma once

#include <filesystem>

namespace heed::test {
std::filesystem::path source_dir();  // the top of the repository
std::filesystem::path build_dir();   // the top of the build tree
std::filesystem::path program();     // the heed executable; $HEED_PROGRAM replaces it
}  // namespace heed::test
