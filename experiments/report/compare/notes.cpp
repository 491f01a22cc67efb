#include "experiments/report/compare/notes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "experiments/trial/quantity.h"

namespace heed {
namespace {

constexpr std::size_t kFewPairs = 5;

// Adds a note if the seeds are too few to show any difference, or nearly too few.
void warn_of_few_seeds(Comparison& comparison) {
  std::size_t tests = 0, few = 0, most = 0, least = std::string::npos;
  for (const ComparedRow& row : comparison.rows) {
    if (row.against.verdict.empty()) continue;
    const std::size_t pairs = row.against.test.pairs;
    ++tests, few += pairs < kFewPairs;
    most = std::max(most, pairs), least = std::min(least, pairs);
  }
  if (tests == 0) return;
  const double count = static_cast<double>(tests), reachable = smallest_reachable_p(comparison);
  if (reachable <= kSignificance) {
    if (few > 0)
      comparison.notes.push_back(
          fmt::format("{} of {} have fewer than {} pairs of seeds: p cannot be below {:.3g} there.", few,
                      count_text(tests, "comparison"), kFewPairs, statistics::smallest_p(least)));
    return;
  }
  std::size_t needed = most;
  while (count * statistics::smallest_p(needed) > kSignificance && needed < statistics::kMostExactPairs)
    ++needed;
  const std::string holm = fmt::format("p_holm of {}", count_text(tests, "comparison"));
  const bool only_by_holm = statistics::smallest_p(most) <= kSignificance;
  comparison.notes.push_back(fmt::format(
      "Too few seeds to show any difference: with {}, {} is at least {:.3g}.", count_text(most, "pair"),
      only_by_holm ? holm : "p", only_by_holm ? reachable : statistics::smallest_p(most)));
  comparison.notes.push_back(
      fmt::format("Use at least {} seeds: {} can then reach {}. sweep.seeds={} trains only the new ones.",
                  needed, holm, kSignificance, needed));
}

// Returns the names of the first few trials, and the number of the others.
std::string names_of(const std::vector<std::string>& trials) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, trials.size()); ++i) out += (i ? ", " : "") + trials[i];
  return trials.size() > kShown ? fmt::format("{} and {} more", out, trials.size() - kShown) : out;
}

// Returns the names in a stack, as "softmax+window", from its text in a resolved configuration.
std::string names_in(const std::string& stack) {
  constexpr std::string_view key = "name: ";
  std::string out;
  for (std::size_t at = stack.find(key); at != std::string::npos; at = stack.find(key, at)) {
    at += key.size();
    if (!out.empty()) out += '+';
    out.append(stack, at, stack.find_first_of(",}", at) - at);
  }
  return out;
}

// Returns ": ...", why a trial that is done may have no value of a metric; empty if nothing general is known.
std::string why_missing(const std::string& metric) {
  if (metric.ends_with("_head_divergence"))
    return ": it compares the heads of a layer, so a layer needs at least two heads with attention weights";
  if (metric.find("attention_on_") != std::string::npos && !metric.ends_with("_on_first"))
    return ": its variant has no attention weights, or no answer is in the sequences (docs/probes.md)";
  if (metric.find("attention_") != std::string::npos)
    return ": its variant has no attention weights (docs/probes.md)";
  return "";
}

}  // namespace

void note_places(const results::Results& results, const std::vector<std::string>& own,
                 Comparison& comparison) {
  const std::vector<std::string> variants = results.texts("variant");
  const auto text = [&](const std::string& path, std::size_t i) {
    const results::Column* column = results.find(path);
    return column ? value_text(column->values[i]) : std::string();
  };
  for (const auto& [slot, place] : {std::pair("model.encoder_attention", "The encoder's attention"),
                                    {"model.cross_attention", "Cross-attention"}}) {
    // A column shows it, or note_own.
    if (std::ranges::find(comparison.paths, slot) != comparison.paths.end() || is_own(slot, own)) continue;
    std::map<std::string, std::vector<std::string>> other;  // variants, by name
    for (std::size_t i = 0; i < variants.size(); ++i) {
      std::string name = text(std::string(slot) + ".name", i);
      if (name.empty()) name = names_in(text(slot, i));
      if (name.empty() || name == text("attention.name", i)) continue;
      std::vector<std::string>& of = other[name];
      if (std::ranges::find(of, variants[i]) == of.end()) of.push_back(variants[i]);
    }
    for (const auto& [name, of] : other)
      comparison.notes.push_back(fmt::format("{} is {} in {}.", place, name, names_of(of)));
  }
}

void note_own(const results::Results& results, const std::vector<std::string>& own, Comparison& comparison) {
  const std::vector<std::string> variants = results.texts("variant");
  for (const std::string& path : own) {
    if (std::ranges::find(comparison.paths, path) != comparison.paths.end()) continue;
    const std::vector<std::string> values = shown_values(results, path);
    std::vector<std::string> order;  // of the values
    std::map<std::string, std::vector<std::string>> of_value;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      if (values[i].empty()) continue;  // its model has no such place
      std::vector<std::string>& of = of_value[values[i]];
      if (of.empty()) order.push_back(values[i]);
      if (std::ranges::find(of, variants[i]) == of.end()) of.push_back(variants[i]);
    }
    if (order.size() < 2) continue;
    std::vector<std::string> parts;
    for (const std::string& value : order)
      parts.push_back(fmt::format("{} in {}", value, names_of(of_value[value])));
    comparison.notes.push_back(fmt::format("{} is {}.", path, fmt::join(parts, "; ")));
  }
}

void note_missing(Comparison& comparison, const Trials& trials, std::size_t planned) {
  if (planned > trials.status.size())
    comparison.notes.push_back(
        fmt::format("{} of {} trials have not ended yet.", planned - trials.status.size(), planned));
  std::vector<std::string> incomplete, stopped;  // names
  std::size_t without_value = 0;
  for (std::size_t i = 0; i < trials.status.size(); ++i) {
    if (!trials.done(i))
      (trials.status[i] == "stopped" ? stopped : incomplete).push_back(trials.name(i));
    else
      without_value += std::isnan(trials.value[i]);
  }
  if (!stopped.empty())
    comparison.notes.push_back(
        fmt::format("{} of {} trials were stopped early (sweep.stop) and are in no mean: {}. `heed status` "
                    "shows why.",
                    stopped.size(), trials.status.size(), names_of(stopped)));
  if (!incomplete.empty())
    comparison.notes.push_back(fmt::format("{} of {} trials are incomplete and are in no mean: {}.",
                                           incomplete.size(), trials.status.size(), names_of(incomplete)));
  if (without_value > 0)
    comparison.notes.push_back(fmt::format(
        "{} that {} done {} no {}{}.", count_text(without_value, "trial"), without_value == 1 ? "is" : "are",
        without_value == 1 ? "has" : "have", comparison.metric, why_missing(comparison.metric)));
}

void note_pairs(Comparison& comparison, std::size_t unpaired) {
  if (std::ranges::none_of(comparison.rows, &ComparedRow::is_reference)) {
    std::vector<std::string> others;
    for (const ComparedRow& row : comparison.rows)
      if (std::ranges::find(others, row.variant) == others.end()) others.push_back(row.variant);
    comparison.notes.push_back(fmt::format(
        "The results have no trial of the reference '{}': nothing is compared. --reference chooses "
        "another one: {}.",
        comparison.reference, fmt::join(others, ", ")));
    return;
  }
  std::size_t left_out = 0;
  for (const ComparedRow& row : comparison.rows) left_out += row.against.left_out;
  if (left_out > 0)
    comparison.notes.push_back(
        fmt::format("{} left out of comparisons: only one of the two rows has a value for the seed.",
                    count_text(left_out, "pair") + (left_out == 1 ? " is" : " are")));
  if (unpaired > 0)
    comparison.notes.push_back(fmt::format(
        "{} compared: {} has no row of the same setting.",
        count_text(unpaired, "row") + (unpaired == 1 ? " is not" : " are not"), comparison.reference));
  warn_of_few_seeds(comparison);
}

void note_unlike(Comparison& comparison, const Measurement& measurement) {
  std::size_t unlike = 0, pairs = 0;
  std::vector<std::size_t> trials;
  bool mixed = false;
  for (const ComparedRow& row : comparison.rows) {
    unlike += row.against.unlike, pairs += row.against.unlike + row.against.test.pairs;
    const std::string within = measurement.differences(row.trials);
    mixed = mixed || (row.trials.size() > 1 && !within.empty());
    trials.insert(trials.end(), row.trials.begin(), row.trials.end());
  }
  if (unlike == 0 && !mixed) return;
  comparison.notes.push_back(
      fmt::format("{} depends on how it is measured, and that differs between trials: {}. {} of {} not "
                  "compared{}.",
                  comparison.metric, measurement.differences(trials), unlike,
                  count_text(pairs, "pair") + (unlike == 1 ? " is" : " are"),
                  mixed ? ", and a mean may mix what is not alike" : ""));
}

}  // namespace heed
