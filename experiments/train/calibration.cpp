#include "experiments/train/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heed {
namespace {

// max softmax(z) = 1 / sum exp(z - max z)
double largest_probability(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - largest);
  return 1 / sum;
}

}  // namespace

void Calibration::add(std::span<const float> logits, bool is_correct, bool answerable) {
  const double confidence = largest_probability(logits);
  const double place = std::ceil(confidence * static_cast<double>(kBins)) - 1;
  const auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)));
  for (Sum* sum : {&bins_[bin], &by_answerable_[answerable ? 1 : 0]})
    ++sum->count, sum->correct += is_correct, sum->confidence += confidence;
}

double Calibration::error() const {
  Index all = 0;
  double error = 0;
  for (const Sum& bin : bins_) {
    all += bin.count;
    error += std::abs(static_cast<double>(bin.correct) - bin.confidence);
  }
  return all > 0 ? error / static_cast<double>(all) : std::numeric_limits<double>::quiet_NaN();
}

double Calibration::confidence(bool answerable) const {
  const Sum& sum = by_answerable_[answerable ? 1 : 0];
  return sum.count > 0 ? sum.confidence / static_cast<double>(sum.count)
                       : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace heed
