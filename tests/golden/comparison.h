// Compares heed's numbers with those of a reference case.
#pragma once

#include <string>

#include "tests/golden/golden_file.h"

namespace heed::golden {

// |a - b| <= absolute + relative |b|
struct Tolerance {
  double absolute, relative;
  double at(double b) const;
};

// Returns the tolerance of a case: ordinary cases differ by the rounding of another order of summation;
// those named nasty, huge or tiny magnify that by nearly canceling terms.
Tolerance tolerance_of(const Case& c);

// Keeps the number that comes nearest to its tolerance or exceeds it furthest.
class Comparison {
 public:
  explicit Comparison(Tolerance tolerance) : tolerance_(tolerance) {}

  // `run` tells the runs of one case apart; may be empty.
  void compare(const std::string& name, const Tensor& ours, const Tensor& file, const std::string& run);
  // heed computed nothing under this name.
  void missing(const std::string& name);

  bool passed() const { return share_ <= 1; }
  double error() const { return error_; }              // |ours - file| of the number kept
  const std::string& worst() const { return worst_; }  // where it is, and both values

 private:
  void keep(double error, double share, std::string text);

  Tolerance tolerance_;
  double error_ = 0, share_ = 0;  // share: the error divided by the tolerance
  std::string worst_;
};

}  // namespace heed::golden
