#pragma once

#include <string>
#include <vector>

namespace heed::report {

// Numbers for gnuplot, and for whoever draws them elsewhere: blocks of rows below a comment that says what
// they are. gnuplot finds a block by its `index`.
class DataFile {
 public:
  // What the file holds, and the names of the columns of each block.
  DataFile(const std::string& what, std::vector<std::string> columns);

  // Returns the index of the new block. REQUIRES: at least one row; each has a value for each column.
  int add(const std::string& title, const std::vector<std::vector<double>>& rows);

  const std::string& text() const { return text_; }

 private:
  std::string header_, text_;
  int blocks_ = 0;
};

}  // namespace heed::report
