// What `heed angles` measures, prints, writes and draws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/command.h"
#include "experiments/directions/packing.h"
#include "experiments/directions/random_vectors.h"
#include "experiments/directions/theory.h"
#include "experiments/report/figure.h"

namespace heed::cli {

// The results at one dimension and one angle.
struct AnglesRow {
  directions::Setting setting = {};
  directions::Simulated simulated = {};
  directions::Search packing = {};
};

struct AnglesTable {
  std::vector<double> within;   // degrees
  std::vector<Index> dims;      // ascending
  std::vector<AnglesRow> rows;  // (within, dim)
  std::int64_t seed = 0;
  double tflop = 1;  // of each simulation and each search
};

// Returns aligned columns, and what they mean.
std::string angles_text(const AnglesTable& table);

// Writes the table, variables (within, dim), to an HDF5 file with a checksum. Replaces an existing file
// atomically. Equal tables give equal bytes. Throws: results::IoError.
void write_angles(const AnglesTable& table, const std::filesystem::path& path);
// Returns true if write_angles wrote the file.
bool is_angles_file(const std::filesystem::path& path);

// Returns log N against the dimension, one panel for each angle. Requires: at least two dimensions.
report::Figure angles_figure(const AnglesTable& table);

Command angles_command();

}  // namespace heed::cli
