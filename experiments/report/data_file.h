#pragma once

#include <string>
#include <vector>

namespace heed::report {

// Numbers for gnuplot and other plotting programs: blocks of rows below a comment that describes them.
// gnuplot finds a block by its `index`.
class DataFile {
 public:
  // `what`: describes the file. `columns`: names of the columns of each block.
  DataFile(const std::string& what, std::vector<std::string> columns);

  // Adds a block and returns its index. Requires: at least one row; each row has a value for each column.
  int add(const std::string& title, const std::vector<std::vector<double>>& rows);

  const std::string& text() const { return text_; }

 private:
  std::string header_, text_;
  int blocks_ = 0;
};

}  // namespace heed::report
