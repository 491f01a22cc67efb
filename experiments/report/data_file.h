#pragma once

#include <string>
#include <vector>

namespace heed::report {

// Numbers for gnuplot and other plotting programs: blocks of rows below a comment that describes them.
// gnuplot finds a block by its `index`.
class DataFile {
 public:
  // `figure`: the file's base name. `what`: describes the file. `columns`: names of the columns of each
  // block.
  DataFile(const std::string& figure, const std::string& what, const std::vector<std::string>& columns);

  // Adds a block and returns gnuplot's name of it: "'cost.tsv' index 2". Requires: at least one row; each row
  // has a value for each column.
  std::string add(const std::string& title, const std::vector<std::vector<double>>& rows);

  const std::string& text() const { return text_; }

 private:
  std::string figure_, header_, text_;
  int blocks_ = 0;
};

}  // namespace heed::report
