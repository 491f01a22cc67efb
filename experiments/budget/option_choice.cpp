#include "experiments/budget/option_choice.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace heed {
namespace {

// Largest value that is tried: sizes beyond it would overflow a model's count of parameters.
constexpr Index kLargest = Index{1} << 24;

constexpr const char* kFeedForward = "feed_forward";

// Has the table a row for each of its values? Changed, it would not be what the row says.
bool is_compared(const Tunable& tunable, const TrialConfig& trial, const VariantEntry& variant) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return has(trial.swept, tunable.path) ||
         (tunable.part == Tunable::Part::attention && has(variant.shown, tunable.name()));
}

// What the sweep file names for the variant; empty if nothing.
std::string named(const Match& match, const TrialConfig& trial) {
  const auto given = match.adjust.find(trial.variant);
  return given == match.adjust.end() ? "" : given->second;
}

const Tunable* wanted(const std::string& name, const std::vector<Tunable>& tunables) {
  return name.empty() || name == kFeedForward ? default_tunable(tunables) : find_tunable(tunables, name);
}

std::string refusal(const std::string& name, const TrialConfig& trial, const std::vector<Tunable>& tunables) {
  std::vector<std::string> known;
  for (const Tunable& t : tunables) known.push_back(t.name());
  if (name.empty() || name == kFeedForward)
    return fmt::format(
        "compare.match: {} has no feed-forward whose size could be adjusted; name another option, "
        "as adjust: {{{}: dim}}. Known: {}.",
        trial.variant, trial.attention[0].name, fmt::join(known, ", "));
  known.insert(known.begin(), kFeedForward);
  return fmt::format("compare.match.adjust: {} has no integer option '{}'.{}", trial.variant, name,
                     suggestion(name, known));
}

}  // namespace

std::optional<SearchRange> option_to_tune(const Match& match, const TrialConfig& trial,
                                          const VariantEntry& variant, const Registry& registry,
                                          Problems& problems) {
  const std::vector<Tunable> tunables = tunables_of(trial, registry);
  const std::string name = named(match, trial);
  const Tunable* tunable = wanted(name, tunables);
  if (tunable && !is_compared(*tunable, trial, variant))
    // 0 means a default that follows from other options.
    return SearchRange{*tunable, std::max<Index>(1, static_cast<Index>(tunable->text.min.value_or(1))),
                       static_cast<Index>(std::min<double>(kLargest, tunable->text.max.value_or(kLargest)))};
  const std::string why =
      tunable ? fmt::format(
                    "compare.match: the sweep varies {} of {}, so it cannot be adjusted too. Give it one "
                    "value, or name another option in adjust.",
                    tunable->path, trial.variant)
              : refusal(name, trial, tunables);
  const auto place = match.adjust_places.find(trial.variant);
  problems.add(place == match.adjust_places.end() ? match.place : place->second, why);
  return std::nullopt;
}

bool has_nothing_to_tune(const Match& match, const TrialConfig& trial, const VariantEntry& variant,
                         const Registry& registry) {
  const std::vector<Tunable> tunables = tunables_of(trial, registry);
  const Tunable* tunable = wanted(named(match, trial), tunables);
  return tunable ? is_compared(*tunable, trial, variant) : !match.adjust.contains(trial.variant);
}

}  // namespace heed
