#pragma once

#include <string>
#include <vector>

#include "variants/parts/score_bias.h"
#include "variants/parts/visible_pairs.h"

namespace heed {

// The values of a bias expression, for one head and one pair of lengths. If i and j occur only as i - j, or
// only j occurs, there is one value for each distance, or key; else one for each pair.
template <class S>
class BiasTables {
 public:
  // Throws: Error if there are too many pairs, or if a value of a visible pair is not finite.
  BiasTables(const std::string& bias, const std::string& visible, const VisiblePairs::Size& size);

  // Throws: Error if a sequence of that size has too many pairs, or, as far as that is known in a few
  // milliseconds, if a value of a visible pair is not finite.
  static void require_feasible(const std::string& bias, const std::string& visible,
                               const VisiblePairs::Size& size);

  ScoreBias<S> view() const;

 private:
  double value(Index i, Index j) const;  // of a query and a key
  void require_finite(const std::string& bias, const std::string& visible) const;

  VisiblePairs::Size size_;
  Index lowest_, highest_;  // distances; also those of hidden keys, which tiles may contain
  std::vector<S> of_distance_, of_key_, of_pair_;
};

extern template class BiasTables<float>;
extern template class BiasTables<double>;

}  // namespace heed
