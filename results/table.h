// A merged file read back as columns, for tables and statistics.
#pragma once

#include <cstdint>
#include <filesystem>
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
  std::string name;       // in the file: "lr"
  std::string parameter;  // the dotted path: "train.lr"; empty unless the role is parameter
  Role role;
  std::vector<Value> values;  // one per trial, all of one type. A missing number is NaN, a missing text ""
  std::string unit, doc;
  bool varies;
};

struct Results {
  Provenance provenance;
  std::vector<std::int64_t> trial;
  std::vector<Column> columns;  // in the order of the file

  // By the name in the file, else by the dotted path; null if there is none.
  const Column* find(const std::string& name) const;
  // The values of a column; throw std::out_of_range if there is no such column, or if it is not of that type.
  // `numbers` takes integers and booleans too.
  std::vector<std::string> texts(const std::string& name) const;
  std::vector<double> numbers(const std::string& name) const;
};

// Curves and groups are not read. Throws IoError, DamagedFile.
Results read_results(const std::filesystem::path& path);

// The columns of an open file, trial or merged.
std::vector<Column> read_columns(const H5Reader& file);

}  // namespace heed::results
