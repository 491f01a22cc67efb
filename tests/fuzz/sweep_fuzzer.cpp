// Any bytes as a sweep file: read or refused.
#include <cstddef>
#include <cstdint>
#include <string>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "tests/experiments/fakes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static heed::Registry registry = heed::test::fake_registry();
  std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("plugins") != std::string::npos) return 0;  // would open what it names
  heed::Problems problems;
  const auto file = heed::parse_sweep_file(text, "f.yaml", {}, registry, problems);
  if (file) heed::read_sweep(file->tree, "f", registry, problems);
  return 0;
}
