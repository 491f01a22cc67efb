#include "experiments/budget/measured_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace heed {
namespace {

constexpr double kNoise = 0.05;     // what differs by less than this share of the target may be equal
constexpr int kMostDoublings = 12;  // to 4096 times the variant's own size
constexpr int kAttempts = 3;        // the first of them quickly
constexpr int kCandidates = 3;      // that are measured again
constexpr Index kWidestGap = 4096;  // as of search_nearest

bool by_place(const Try& a, const Try& b) { return a.at < b.at; }

class Search {
 public:
  Search(double target, double tolerance, Index first, Index last, const Measure& measure)
      : target_(target), tolerance_(tolerance), first_(first), last_(last), measure_(measure) {}

  MeasuredSearch run(Try own) {
    with_care_[own.at] = own.value;
    MeasuredSearch result;
    for (int attempt = 0; attempt < kAttempts && !result.found; ++attempt) {
      careful_ = attempt > 0;
      near_.clear();
      // More of almost every option takes longer.
      const int likely = own.value < target_ ? +1 : -1;
      auto beyond = cross(own, likely);
      if (!beyond) beyond = cross(own, -likely);
      if (beyond) halve(std::min(own, *beyond, by_place), std::max(own, *beyond, by_place));
      result.found = check_nearest();
      own = nearest(with_care_);
    }
    std::map<Index, double> all = tried_;
    for (const auto& [at, value] : with_care_) all[at] = value;
    for (const auto& [at, value] : all) result.tries.push_back({at, value});
    sort(result.tries);
    return result;
  }

 private:
  double distance(const Try& t) const { return std::abs(t.value - target_); }
  bool on_same_side(const Try& a, const Try& b) const { return (a.value < target_) == (b.value < target_); }
  bool is_within(const Try& t, double share) const { return distance(t) <= share * target_; }
  void sort(std::vector<Try>& tries) const {
    std::sort(tries.begin(), tries.end(), [&](const Try& a, const Try& b) {
      return distance(a) != distance(b) ? distance(a) < distance(b) : a.at < b.at;
    });
  }
  Try nearest(const std::map<Index, double>& values) const {
    std::vector<Try> tries;
    for (const auto& [at, value] : values) tries.push_back({at, value});
    sort(tries);
    return tries.front();
  }

  // The first number from `at` on, upwards or downwards, that has a value.
  std::optional<Try> scan(Index at, Index step, Index end) {
    for (Index n = 0; n < kWidestGap && (end - at) * step >= 0; ++n, at += step)
      if (const auto value = measure_(at, careful_)) {
        (careful_ ? with_care_ : tried_)[at] = *value;
        near_.push_back({at, *value});
        return near_.back();
      }
    return std::nullopt;
  }

  // Doubles or halves until the target is clearly crossed. Two values in a row that are clearly farther away
  // say that this is not the way.
  std::optional<Try> cross(const Try& own, int direction) {
    std::optional<Try> perhaps;
    int farther = 0;
    Index at = own.at;
    for (int n = 0; n < kMostDoublings && farther < 2; ++n) {
      const Index end = direction > 0 ? last_ : first_;
      if (at == end) break;
      const Index next = direction > 0 ? std::min(last_, std::max(2 * at, at + 1)) : std::max(first_, at / 2);
      auto found = scan(next, direction, end);
      if (!found) found = scan(next - direction, -direction, at + direction);  // between here and the end
      if (!found) break;
      if (!on_same_side(own, *found)) {
        if (!is_within(*found, kNoise)) return found;
        perhaps = found;
      }
      farther = distance(*found) > distance(own) + kNoise * target_ ? farther + 1 : 0;
      at = found->at;
    }
    return perhaps;
  }

  void halve(Try low, Try high) {
    while (high.at - low.at > 1) {
      const Index middle = low.at + (high.at - low.at) / 2;
      auto next = scan(middle, +1, high.at - 1);
      if (!next) next = scan(middle - 1, -1, low.at + 1);
      if (!next || is_within(*next, tolerance_ / 2)) return;
      (on_same_side(low, *next) ? low : high) = *next;
    }
  }

  std::optional<Try> check_nearest() {
    sort(near_);
    int checked = 0;
    for (const Try& t : near_) {
      if (checked++ == kCandidates || !is_within(t, kNoise + tolerance_)) break;
      const auto value = measure_(t.at, true);
      if (!value) continue;
      with_care_[t.at] = *value;
      if (is_within({t.at, *value}, tolerance_)) return Try{t.at, *value};
    }
    return std::nullopt;
  }

  double target_, tolerance_;
  bool careful_ = false;
  Index first_, last_;
  const Measure& measure_;
  std::vector<Try> near_;  // of this attempt
  std::map<Index, double> tried_, with_care_;
};

}  // namespace

MeasuredSearch search_measured(double target, double tolerance, const Try& own, Index first, Index last,
                               const Measure& measure) {
  return Search(target, tolerance, first, last, measure).run(own);
}

}  // namespace heed
