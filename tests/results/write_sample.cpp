// write_sample FOLDER: the sample sweep as a run directory, for the tests in Python.
#include <cstdio>
#include <filesystem>

#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/results/sample.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder / "trials");
  for (const auto& record : heed::test::sample_records())
    heed::results::replace_trial(record, folder / "trials" / (record.id + ".h5"));
  const auto report = heed::results::merge(heed::results::trial_files(folder / "trials"),
                                           folder / "results.h5", heed::test::sample_provenance());
  std::printf("%zu trials\n", report.trials);
}
