// A merged file read back as columns, for tables and statistics.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "results/h5_reader.h"
#include "results/record.h"

namespace heed::results {

enum class Role {
  parameter,
  metric,
  trial
};  // `trial`: id, status, reason, last_step, config, build, host ...

struct Column {
  std::string name;       // for tables: "lr". In a file, a parameter may have a longer one (names.h)
  std::string parameter;  // the dotted path: "train.lr"; empty unless the role is parameter
  Role role;
  std::vector<Value> values;  // one per trial, all of one type. A missing number is NaN, a missing string ""
  std::string unit, doc;
  bool varies;
};

struct Results {
  Provenance provenance;
  CompareSettings compare;
  std::vector<std::int64_t> trial;
  std::vector<Column> columns;  // in the order of the file

  // Finds a column by its name, else by its dotted path. Returns null if there is none.
  const Column* find(const std::string& name) const;
  // Return the values of a column. `numbers` accepts integers and booleans too. Throw: std::out_of_range if
  // there is no such column or it has another type.
  std::vector<std::string> texts(const std::string& name) const;
  std::vector<double> numbers(const std::string& name) const;
};

// Reads a merged file, without curves and groups. Throws: IoError, DamagedFile.
Results read_results(const std::filesystem::path& path);

// One curve of all trials along its axis.
struct Curves {
  std::vector<std::int64_t> at;  // the values of the axis
  std::vector<double> values;    // (trial, axis); NaN where a trial has none
};

// Reads a curve of a merged file; nullopt if the file has none of this name. Throws: IoError, DamagedFile.
std::optional<Curves> read_curves(const std::filesystem::path& path, const std::string& name);

// Returns the columns of an open trial file or merged file, with the names that they have there.
std::vector<Column> read_columns(const H5Reader& file);

// Names the parameters for the tables of one comparison: short_names in names.h.
void shorten_names(std::vector<Column>& columns);

}  // namespace heed::results
