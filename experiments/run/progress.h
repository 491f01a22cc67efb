#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "experiments/train/trial.h"
#include "experiments/trial/quantity.h"
#include "results/record.h"

namespace heed {

// Prints the progress of a sweep. In a terminal: a block of progress bars that is redrawn, one for the sweep
// and one for each running trial. Elsewhere: a line for each trial that ends, and one from time to time.
// Every line has the time left, estimated from the work done so far (FLOPs).
class Progress {
 public:
  // A pending trial. work: in any unit, the same for all trials.
  struct Trial {
    std::string name;
    double work = 1;
  };
  // earlier: number of trials of the sweep that are finished already
  Progress(std::FILE* out, bool terminal, std::vector<Trial> trials, std::size_t earlier);

  void started(std::size_t trial, double now);
  void advanced(std::size_t trial, const TrialProgress& progress);
  void ended(std::size_t trial, results::Status status, const std::string& reason, double now);
  // The trial has not ended and does not run here any more: it was stopped, or another process runs it. It
  // may end or start later.
  void dropped(std::size_t trial);
  void tick(double now);  // redraws; without a terminal, prints a line if the last one is old
  void message(const std::string& line);
  void clear();  // erases the block

 private:
  struct Running {
    TrialProgress progress;
    double since = 0;
  };
  std::string head(double now) const;
  double work_done() const;
  double seconds_left(double now) const;  // negative if it is not known yet
  void draw(double now);
  std::string erased();

  std::FILE* out_;
  bool terminal_, utf8_;
  std::vector<Trial> trials_;
  std::size_t earlier_, ended_ = 0, failed_ = 0;
  std::map<std::size_t, Running> running_, dropped_;
  double work_ = 0, done_ = 0;
  double begin_ = -1, drawn_at_ = -1;
  std::size_t drawn_lines_ = 0;
};

// Returns "done in 3 s", or the reason: "diverged after 12 steps, 3 s: the loss is not finite". `took` may be
// empty.
std::string status_text(results::Status status, const std::string& reason, Index steps,
                        const std::string& took = "");

// Returns "step 120/2000  loss 0.53  accuracy 0.980  96 steps/s  left 20 s".
std::string progress_text(const TrialProgress& progress);

std::string duration_text(double seconds);  // "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"

}  // namespace heed
