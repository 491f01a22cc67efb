// The tables of `heed plan`.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/trial/estimate.h"

namespace heed::cli {

// Tables are at most so wide, unless a single word does not fit.
inline constexpr std::size_t kTableWidth = 100;

// Returns the words that all of the texts have, in their order in the first. Requires: there is a text.
std::string common_words(const std::vector<std::string>& texts);

std::string with_prefix(double x, const char* unit);  // "1.45 MFLOP"

// The trials of a plan, a row for each configuration with its seeds, and their sums.
class PlanTable {
 public:
  void add(const PlannedTrial& t, const Estimate& e, double seconds);

  // Returns the table of costs, and the table of the parameters of each part of the models.
  std::string text() const;
  double flops() const { return flops_; }
  bool has_ranks() const;  // does a trial run on several?
  // One trial per core.
  double seconds(int jobs) const;

  // Returns which configurations take longer than this, as a sentence; empty if none does.
  std::string longer_than(double seconds) const;

 private:
  struct Row {
    std::string variant, setting;
    std::vector<std::size_t> seeds;
    Estimate estimate;
    double seconds = 0;
  };
  std::string costs() const;
  std::string parts() const;

  double flops_ = 0, seconds_ = 0, longest_ = 0;
  std::vector<Row> rows_;
  std::map<std::string, std::size_t> row_;  // of each configuration
};

}  // namespace heed::cli
