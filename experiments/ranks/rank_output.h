// What ranks print. All of them write to one stream, through mpirun or srun. Reports to the launcher are
// lines with a mark that nothing else contains.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/index.h"

namespace heed {

struct RankReport {
  int rank = 0;
  Index steps = 0;             // that the rank has completed
  double earlier_seconds = 0;  // of the trial, in earlier processes
  std::string text;
};

// Returns a mark that nobody can guess.
std::string new_mark();

// Returns the line, with its end.
std::string to_line(const std::string& mark, const RankReport& report);

// How a rank ended, as mpirun or srun say.
struct RankEnd {
  int rank = 0;
  int signal = 0;     // that ended it; 0: none
  int exit_code = 0;  // if no signal did
};

class RankOutput {
 public:
  explicit RankOutput(std::string mark) : mark_(std::move(mark)) {}

  // Takes what was printed. Returns what is no report, in complete lines.
  std::string take(std::string_view bytes);
  // Returns the last line if its end is missing.
  std::string rest();

  // Returns the reports since the last call.
  std::vector<RankReport> reports();
  // Returns the rank that ended first without a result.
  const std::optional<RankEnd>& first_end() const { return first_end_; }
  // Returns what srun says if it could not start a rank; empty if it has not said so.
  const std::string& start_failure() const { return start_failure_; }

 private:
  std::string take_line(const std::string& line);
  void look_for_end(const std::string& line);

  const std::string mark_;
  std::string unread_;
  std::vector<RankReport> reports_;
  std::optional<RankEnd> first_end_;
  std::string start_failure_;
  std::optional<int> named_;  // the rank whose exit code the next line has
};

}  // namespace heed
