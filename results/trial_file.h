// One trial's file, `<id>.h5`: the same root as a merged file with one row, and the trial's arrays in groups.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "results/record.h"

namespace heed::results {

// Writes the file atomically (atomic_file.h). An existing file is not changed, and the function returns
// false. Throws: IoError, and std::invalid_argument if the record cannot be stored (see check()).
bool write_trial(const Record& record, const std::filesystem::path& path);

// Replaces an existing file: for a failed trial that was run again.
void replace_trial(const Record& record, const std::filesystem::path& path);

// The record as it was written; texts are valid UTF-8 now, and dimensions that had no names have them. Throws
// IoError, and DamagedFile if the checksum does not match, the schema is another, or the file is named after
// another trial's id.
Record read_trial(const std::filesystem::path& path);

// The same with arrays that have names and shapes but no values; and only the arrays of one group.
Record read_trial_summary(const std::filesystem::path& path);
std::vector<Array> read_trial_arrays(const std::filesystem::path& path, const std::string& group);

// Reads only id and status, from the file's last bytes. A hundred times faster, for `status` of a large
// sweep. The rest of the file is not verified. Throws: IoError, DamagedFile.
struct Outcome {
  std::string id;
  Status status;
};
Outcome read_outcome(const std::filesystem::path& path);

}  // namespace heed::results
