// Sweep files as text, read with made-up variants: what the tests of sweeps have in common.
#pragma once

#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "tests/catch.h"
#include "tests/experiments/fakes.h"

namespace heed::test {

using Texts = std::vector<std::string>;

inline Sweep read(const std::string& text, const Texts& overrides, Problems& problems) {
  Registry registry = fake_registry();
  const auto file = parse_sweep_file(text, "f.yaml", overrides, registry, problems);
  return file ? read_sweep(file->tree, "f", registry, problems) : Sweep{};
}

inline Sweep good(const std::string& text, const Texts& overrides = {}) {
  Problems problems;
  Sweep sweep = read(text, overrides, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return sweep;
}

// Everything that is wrong, a line each.
inline std::string wrong(const std::string& text, const Texts& overrides = {}) {
  Problems problems;
  read(text, overrides, problems);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

// Of each trial, in the order of the plan.
inline Texts labels(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.variant);
  return out;
}
inline Texts ids(const Sweep& sweep) {
  Texts out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.id);
  return out;
}
inline std::vector<double> rates(const Sweep& sweep) {
  std::vector<double> out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config.train.lr);
  return out;
}

inline const std::string kSmall = "variants: [softmax]\ntask: {name: mqar}\n";

}  // namespace heed::test
