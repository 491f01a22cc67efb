// Trials for tests of the report, and what the report reads of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/figure.h"
#include "experiments/report/report_data.h"
#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

namespace heed::test {

// A trial as a sweep of three lengths leaves it. Time is quadratic in the length, state constant.
inline results::Record trial(const std::string& variant, std::int64_t seed, std::int64_t length,
                             double accuracy, double parameters) {
  static std::int64_t index = 0;
  results::Record r;
  r.plan_index = index++;
  std::string digits = std::to_string(r.plan_index);
  r.id = std::string(16 - digits.size(), '0') + digits;
  r.config = "variant: x\n";
  r.provenance = {"0.1.0", "a build", "a host", "heed run x.yaml", "2026-01-02T03:04:05Z"};
  r.parameters = {{"variant", variant}, {"seed", seed}, {"task.length", length}, {"train.lr", 0.001}};
  const double n = static_cast<double>(length);
  r.metrics = {{"test_accuracy", accuracy, "1", "share of positions", false},
               {"parameters", parameters, "1", "trainable numbers", false},
               {"step_milliseconds", n * n / 100, "ms", "time of a training step", true},
               {"state_bytes", 4096, "byte", "state", false}};
  r.axes = {{"eval", {0, 50, 100}}};
  r.curves = {{"validation_accuracy", "eval", {0.1, accuracy / 2, accuracy}, "1", "on validation", false}};
  return r;
}

inline report::ReportData report_data_of(const TempFolder& folder,
                                         const std::vector<results::Record>& records) {
  std::filesystem::create_directories(folder / "trials");
  for (const results::Record& r : records) results::replace_trial(r, folder / "trials" / (r.id + ".h5"));
  const auto file = folder / "results.h5";
  results::merge(results::trial_files(folder / "trials"), file, records[0].provenance);
  return report::read_report_data(file, results::read_results(file), {});
}

inline const report::Figure& named(const std::vector<report::Figure>& figures, const std::string& name) {
  const auto at =
      std::find_if(figures.begin(), figures.end(), [&](const report::Figure& f) { return f.name == name; });
  REQUIRE(at != figures.end());
  return *at;
}

}  // namespace heed::test
