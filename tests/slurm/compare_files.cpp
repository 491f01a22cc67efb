// compare_files A B: the variables in which two results files differ, a line each, but for those that vary
// between runs. Exit code 1 where there are any.
#include <cstdio>
#include <exception>

#include "results/comparison.h"

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const auto different = heed::results::compare_results(argv[1], argv[2]);
  for (const auto& name : different) std::printf("%s\n", name.c_str());
  return different.empty() ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
}
