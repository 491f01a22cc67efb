#include "experiments/sweep/stop_rule.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace heed {
namespace {

// With fewer other trials, the median says little.
constexpr std::size_t kLeastForMedian = 2;

bool is_better(const StopRule& rule, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(b) && !std::isnan(a);
  return rule.metric == "final_validation_loss" ? a < b : a > b;
}

// The trials that go on are those that were among the best 1/factor when they reached the rung: Li et al.
// 2020 (ASHA), in the form that stops trials instead of pausing them.
Decision halving(const StopRule& rule, const RungResult& own, std::span<const RungResult> others) {
  const std::size_t all = others.size() + 1;
  const auto kept = static_cast<std::size_t>(static_cast<double>(all) / rule.factor);
  const auto better = static_cast<std::size_t>(std::ranges::count_if(
      others, [&](const RungResult& o) { return is_better(rule, o.value, own.value); }));
  if (kept == 0) return {false, fmt::format("halving: only {} of {:g} trials were here", all, rule.factor)};
  return {better >= kept, fmt::format("halving: {} {:.4g} is number {} of {}; the best {} go on", rule.metric,
                                      own.value, better + 1, all, kept)};
}

// Golovin et al. 2017 (Vizier), section 3.2.2, with the averages of trials at this rung.
Decision median(const StopRule& rule, const RungResult& own, std::span<const RungResult> others) {
  if (others.size() < kLeastForMedian)
    return {false, fmt::format("median: only {} other trials were here", others.size())};
  std::vector<double> averages;
  for (const RungResult& o : others) averages.push_back(o.average);
  std::ranges::sort(averages, [&](double a, double b) { return is_better(rule, a, b); });
  const double middle = averages[averages.size() / 2];
  const bool worse = is_better(rule, middle, own.best);
  return {worse,
          fmt::format(
              "median: the best {} so far, {:.4g}, is {} than the median {:.4g} of the averages of {} others",
              rule.metric, own.best, worse ? "worse" : "not worse", middle, others.size())};
}

Decision plateau(const RungResult& own) {
  return {own.on_plateau, own.on_plateau ? "plateau: it still guesses, and others do not"
                                         : "plateau: it has left the level of guessing"};
}

}  // namespace

bool StopRule::is_rung(Index previous, Index step) const {
  double rung = static_cast<double>(after);
  const auto from = static_cast<double>(previous), to = static_cast<double>(step);
  while (rung <= from && rule != "plateau")
    rung = rule == "halving" ? rung * factor : rung + static_cast<double>(after);
  return rung > from && rung <= to;
}

Decision decide(const StopRule& rule, const RungResult& own, std::span<const RungResult> others) {
  if (rule.wait && own.on_plateau && std::ranges::all_of(others, &RungResult::on_plateau))
    return {false, rule.rule + ": no trial here has left the level of guessing"};
  if (rule.rule == "halving") return halving(rule, own, others);
  return rule.rule == "median" ? median(rule, own, others) : plateau(own);
}

}  // namespace heed
