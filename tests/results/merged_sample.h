// The sample sweep as a results.h5, changed on the way.
#pragma once

#include <filesystem>
#include <vector>

#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/results/sample.h"
#include "tests/results/temp_folder.h"

namespace heed::test {

// change(records, provenance) is called before anything is written; both as in sample.h.
template <class Change>
std::filesystem::path merged_sample(const TempFolder& folder, const Change& change) {
  std::vector<results::Record> records = sample_records();
  results::Provenance provenance = sample_provenance();
  change(records, provenance);
  for (const results::Record& record : records) replace_trial(record, folder / (record.id + ".h5"));
  merge(results::trial_files(folder.path()), folder / "results.h5", provenance);
  return folder / "results.h5";
}

inline constexpr auto kUnchanged = [](std::vector<results::Record>&, results::Provenance&) {};

}  // namespace heed::test
