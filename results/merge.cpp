#include "results/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/comparison.h"
#include "results/errors.h"
#include "results/h5_writer.h"
#include "results/layout.h"
#include "results/merge_arrays.h"
#include "results/table.h"
#include "results/trial_file.h"

namespace heed::results {

namespace {

namespace fs = std::filesystem;

// Of parameters (names.h). Another number makes `heed merge` write the names of an older file again.
constexpr int kNaming = 2;

std::vector<MergedTrial> read_all(std::span<const Source> sources, MergeReport& report) {
  std::vector<MergedTrial> trials;
  for (const Source& source : sources) {
    try {
      MergedTrial trial{source.path, read_trial_summary(source.path)};
      trial.record.plan_index = source.trial.value_or(trial.record.plan_index);
      if (!source.variant.empty())
        for (Parameter& p : trial.record.parameters)
          if (p.name == "variant") p.value = source.variant;
      trial.record.metrics.insert(trial.record.metrics.end(), source.metrics.begin(), source.metrics.end());
      trials.push_back(std::move(trial));
    } catch (const DamagedFile& damaged) {
      report.damaged.emplace_back(damaged.what());
    }
  }
  return trials;
}

void report_if_different(const MergedTrial& kept, const MergedTrial& other, MergeReport& report) {
  std::vector<std::string> different = compare_results(kept.path, other.path);
  std::erase(different, "trial");  // its number in the plan grows with the sweep
  if (different.empty()) return;
  report.conflicts.push_back(fmt::format("trial {} has two results that differ in {}: {} and {}",
                                         kept.record.id, fmt::join(different, ", "), kept.path.string(),
                                         other.path.string()));
}

// Returns one row for each id, in plan order.
std::vector<MergedTrial> in_order(std::vector<MergedTrial> trials, MergeReport& report) {
  const auto key = [](const MergedTrial& trial) {
    const Record& record = trial.record;
    return std::tuple(record.plan_index, record.id, record.status != Status::done, trial.path);
  };
  std::sort(trials.begin(), trials.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  std::map<std::string, std::size_t> row_of;
  std::vector<MergedTrial> rows;
  for (MergedTrial& trial : trials) {
    const auto [place, added] = row_of.emplace(trial.record.id, rows.size());
    if (added) {
      rows.push_back(std::move(trial));
      continue;
    }
    MergedTrial& row = rows[place->second];
    report_if_different(row, trial, report);
    if (row.record.status != Status::done && trial.record.status == Status::done) {
      trial.record.plan_index = row.record.plan_index;
      row = std::move(trial);
    }
  }
  return rows;
}

void renumber_if_shared(std::vector<MergedTrial>& trials) {
  const auto same = [](const auto& a, const auto& b) { return a.record.plan_index == b.record.plan_index; };
  if (std::adjacent_find(trials.begin(), trials.end(), same) == trials.end()) return;
  for (std::size_t row = 0; row < trials.size(); ++row) trials[row].record.plan_index = std::int64_t(row);
}

std::vector<std::byte> build(std::span<const Source> sources, const fs::path& output,
                             const Provenance& provenance, const CompareSettings& compare,
                             MergeReport& report) {
  std::vector<MergedTrial> trials = in_order(read_all(sources, report), report);
  renumber_if_shared(trials);
  std::set<std::string> builds;
  for (const MergedTrial& trial : trials) builds.insert(trial.record.provenance.build);
  report.trials = trials.size();
  report.builds.assign(builds.begin(), builds.end());

  H5Writer file(output);
  write_header(file, kResultsFormat, provenance);
  write_compare_settings(file, compare);
  for (const char* group : {"attention", "probes", "samples"})
    write_merged_group(file, group, trials, report.conflicts);
  std::vector<Record> records;
  for (MergedTrial& trial : trials) records.push_back(std::move(trial.record));
  write_rows(file, records);
  return file.finish();
}

// Returns a hash of everything that a merged file depends on, for the label of its checksum: the bytes of the
// trial files, their numbers and labels, the sweep's metrics, and the program that merges. Returns nullopt
// if a file is damaged.
std::optional<std::string> label_of(std::span<const Source> sources, const Provenance& provenance,
                                    const CompareSettings& compare) {
  std::vector<std::string> parts;
  for (const Source& source : sources) {
    try {
      std::vector<std::byte> bytes = read_file(source.path);
      const XXH64_hash_t hash = XXH64(bytes.data(), bytes.size(), 0);
      remove_checksum(bytes, source.path);
      parts.push_back(fmt::format("{:016x} {} {}", hash, source.trial.value_or(-1), source.variant));
      for (const Metric& m : source.metrics) parts.back() += fmt::format(" {}={}", m.name, m.value);
    } catch (const DamagedFile&) {
      return std::nullopt;
    }
  }
  std::sort(parts.begin(), parts.end());  // independent of the order of the files
  const std::string all =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", kNaming, provenance.heed_version, provenance.build,
                  compare.metric, compare.reference, compare.select, fmt::join(parts, "\n"));
  return fmt::format("results {:016x}", XXH64(all.data(), all.size(), 0));
}

// Returns the report of an earlier merge if `output` is the merge of the same files. Reading ten thousand
// trials through HDF5 takes minutes, reading their bytes a second.
std::optional<MergeReport> made_before(const fs::path& output, const std::string& label) {
  try {
    if (!fs::exists(output) || read_label(output) != label) return std::nullopt;
    const Results results = read_results(output);
    const std::vector<std::string> all = results.texts("build");
    const std::set<std::string> builds(all.begin(), all.end());
    MergeReport report;
    report.trials = all.size();
    report.builds.assign(builds.begin(), builds.end());
    return report;
  } catch (const std::exception&) {  // damaged, or of another layout: merge again
    return std::nullopt;
  }
}

// The label of a merge with something to report.
constexpr const char* kWithComplaints = "results";

}  // namespace

bool has_complaints(const fs::path& merged) {
  try {
    return read_label(merged) == kWithComplaints;
  } catch (const DamagedFile&) {
    return false;
  }
}

std::vector<Source> trial_files(const fs::path& folder) {
  std::vector<Source> sources;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".h5" && is_id(path.stem().string())) sources.push_back({path, std::nullopt});
  }
  if (error) throw IoError(folder, "cannot list the folder: " + error.message());
  std::sort(sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return sources;
}

MergeReport merge(std::span<const Source> sources, const fs::path& output, const Provenance& provenance,
                  const CompareSettings& compare) {
  const std::optional<std::string> label = label_of(sources, provenance, compare);
  if (label)
    if (auto report = made_before(output, *label)) return *std::move(report);

  MergeReport report;
  std::vector<std::byte> bytes = built_twice(output, [&] {
    report = {};
    return build(sources, output, provenance, compare, report);
  });
  // A merge with something to report is not reused, so that it is reported each time.
  const bool clean = label && report.damaged.empty() && report.conflicts.empty();
  add_checksum(bytes, clean ? *label : kWithComplaints);
  write_file(output, bytes, IfExists::replace);
  return report;
}

}  // namespace heed::results
