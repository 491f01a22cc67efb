#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/index.h"

namespace heed {

// Compares how sure a model is of its predictions with how often they are right. The confidence of a
// prediction is its probability, the largest of softmax(logits).
class Calibration {
 public:
  static constexpr std::size_t kBins = 15;  // as in Guo et al. 2017, "On calibration of modern networks"

  // Adds a prediction. `answerable`: do the tokens determine the answer?
  void add(std::span<const float> logits, bool is_correct, bool answerable);

  // Returns the expected calibration error: sum over bins of (predictions in it / all) * |accuracy - mean
  // confidence|. Bins are equally wide: (0, 1/15], (1/15, 2/15], ... NaN without predictions.
  double error() const;

  // Returns the mean confidence of predictions that are answerable, or that are not; NaN if there are none.
  double confidence(bool answerable) const;

 private:
  struct Sum {
    Index count = 0, correct = 0;
    double confidence = 0;
  };
  std::array<Sum, kBins> bins_ = {};
  std::array<Sum, 2> by_answerable_ = {};
};

}  // namespace heed
