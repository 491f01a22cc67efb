// The common part of trial files and merged files: a root group with one row per trial (a trial file has
// one row). results/README.md describes it.
#pragma once

#include <array>
#include <span>
#include <string>

#include "results/h5_reader.h"
#include "results/h5_writer.h"
#include "results/record.h"

namespace heed::results {

inline constexpr const char* kTrialFormat = "heed trial";
inline constexpr const char* kResultsFormat = "heed results";

// The attribute `coordinates` of metrics, curves and arrays: xarray groups by these.
inline constexpr const char* kCoordinates = "variant seed";

// The root's attributes that differ between two runs of the same trials. Earlier trial files have `checksum`.
inline constexpr std::array<const char*, 4> kVaryingAttributes = {"host", "command", "created", "checksum"};

void write_header(H5Writer& file, const std::string& format, const Provenance& provenance);

// Writes the dimension `trial`, the axes (the union of their values), and every parameter, metric and
// curve, with the trials in the given order. Coordinates are variant and seed, whatever a sweep varies:
// xarray cannot concatenate files with different coordinates. Requires: each record passes check().
void write_rows(H5Writer& file, std::span<const Record> records);

// Writes the attributes `units`, `description` and `varies_between_runs`, each if there is something to say.
void write_meaning(H5Writer& file, const std::string& name, const std::string& unit, const std::string& doc,
                   bool varies);

// The root's attributes compare_metric, compare_reference, compare_reference_setting, compare_select,
// compare_by and compare_own, each where it is not "".
void write_compare_settings(H5Writer& file, const CompareSettings& settings);
CompareSettings read_compare_settings(const H5Reader& file);

// Throws DamagedFile unless the file is of this format and schema.
Provenance read_header(const H5Reader& file, const std::string& format);

}  // namespace heed::results
