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

bool by_place(const Try& a, const Try& b) { return a.at < b.at; }

class Search {
 public:
  Search(double target, double tolerance, Index first, Index last, const Measure& measure)
      : target_(target),
        tolerance_(tolerance),
        first_(first),
        last_(last),
        measure_(measure),
        search_(target, [this](Index at) { return value_at(at); }) {}

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
      if (beyond)
        search_.halve(std::min(own, *beyond, by_place), std::max(own, *beyond, by_place),
                      [&](const Try& t) { return is_within(t, tolerance_ / 2); });
      result.found = check_nearest();
      own = nearest(with_care_);
    }
    std::map<Index, double> all = tried_;
    for (const auto& [at, value] : with_care_) all[at] = value;
    for (const auto& [at, value] : all) result.tries.push_back({at, value});
    search_.sort(result.tries);
    return result;
  }

 private:
  bool is_within(const Try& t, double share) const { return search_.distance(t) <= share * target_; }
  Try nearest(const std::map<Index, double>& values) const {
    std::vector<Try> tries;
    for (const auto& [at, value] : values) tries.push_back({at, value});
    search_.sort(tries);
    return tries.front();
  }

  std::optional<double> value_at(Index at) {
    const std::optional<double> value = measure_(at, careful_);
    if (!value) return value;
    (careful_ ? with_care_ : tried_)[at] = *value;
    near_.push_back({at, *value});
    return value;
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
      auto found = search_.scan(next, direction, end);
      if (!found)
        found = search_.scan(next - direction, -direction, at + direction);  // between here and the end
      if (!found) break;
      if (!search_.on_same_side(own, *found)) {
        if (!is_within(*found, kNoise)) return found;
        perhaps = found;
      }
      farther = search_.distance(*found) > search_.distance(own) + kNoise * target_ ? farther + 1 : 0;
      at = found->at;
    }
    return perhaps;
  }

  std::optional<Try> check_nearest() {
    search_.sort(near_);
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
  IntegerSearch search_;
  std::vector<Try> near_;  // of this attempt
  std::map<Index, double> tried_, with_care_;
};

}  // namespace

MeasuredSearch search_measured(double target, double tolerance, const Try& own, Index first, Index last,
                               const Measure& measure) {
  return Search(target, tolerance, first, last, measure).run(own);
}

}  // namespace heed
