// The warnings of a sweep file with heed's own variants and tasks.
#pragma once

#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace heed::test {

struct Planned {
  Config tree;
  Sweep sweep;
};

inline Planned planned(const std::string& text, Registry& registry,
                       const std::vector<std::string>& overrides = {}) {
  Problems problems;
  const auto file = parse_sweep_file(text, "f.yaml", overrides, registry, problems);
  Planned out{file ? file->tree : Config(), {}};
  if (file) out.sweep = read_sweep(file->tree, "f", registry, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return out;
}

// Lines, one below the other.
inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

}  // namespace heed::test
