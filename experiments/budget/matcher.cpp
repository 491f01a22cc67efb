#include "experiments/budget/matcher.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "experiments/sweep/resolve.h"
#include "experiments/system/files.h"
#include "experiments/trial/quantity.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

// Of a measurement.
constexpr int kRounds = 15, kCarefulRounds = 45;

std::string unit_of(const std::string& budget) {
  return budget == "train_flops"   ? "training FLOPs"
         : budget == "state_bytes" ? "bytes of state"
         : budget == "step_time"   ? "milliseconds a step"
                                   : budget;
}

std::string hash_of(const std::string& text) {
  return fmt::format("{:016x}", static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0)));
}

std::string what_was_tried(const std::vector<Try>& tries, const std::string& option, double target) {
  if (tries.empty()) return fmt::format("no value of {} makes a model.", option);
  if (std::all_of(tries.begin(), tries.end(), [&](const Try& t) { return t.value == tries[0].value; }))
    return fmt::format("it has {}, and changing {} does not change that.", grouped(tries[0].value), option);
  std::vector<std::string> nearest;
  for (const Try& t : tries)
    if (nearest.size() < 3)
      nearest.push_back(fmt::format("{} has {} ({:+.3g} %)", t.at, grouped(t.value),
                                    100 * Matched{"", 0, target, t.value}.mismatch()));
  return fmt::format("of {} values of {}, {} come{} nearest: {}.", tries.size(), option,
                     nearest.size() == 1 ? "one" : "these", nearest.size() == 1 ? "s" : "",
                     fmt::join(nearest, ", "));
}

}  // namespace

Matcher::Matcher(const Match& match, const std::vector<VariantEntry>& variants, const Registry& registry,
                 StepTimes* times, Problems& problems)
    : match_(match), registry_(registry), times_(times), problems_(problems), estimator_(registry) {
  for (const VariantEntry& v : variants)
    if (!reference_ && v.label == match.options.reference) reference_ = &v;
  HEED_CHECK(reference_, "the reference of a match is one of the variants");
}

std::optional<Matcher::Solution> Matcher::operator()(const SweepPoint& swept, const VariantEntry& variant) {
  const TrialConfig& point = swept.at(variant);
  reference_trial_ = with_variant(swept.at(*reference_), *reference_, registry_, problems_);
  const std::string key =
      fmt::format("{}\n{}\n{}", variant.label, shape_of(point), shape_of(reference_trial_));
  const auto [at, is_new] = answers_.insert({key, std::nullopt});
  if (is_new) at->second = solve(point, variant, row_setting(swept, variant));
  if (!at->second) return std::nullopt;
  const auto& [tunable, matched] = *at->second;
  if (!tunable) return Solution{with_variant(point, variant, registry_, problems_), matched};
  return Solution{*with_value(point, variant, *tunable, matched.value, registry_), matched};
}

std::optional<Matcher::Answer> Matcher::solve(const TrialConfig& point, const VariantEntry& variant,
                                              const std::string& setting) {
  if (match_.options.budget != "step_time") return by_formula(point, variant, setting);
  if (!times_) return Answer{};
  try {
    return by_measuring(point, variant, setting);
  } catch (const StepTimingFailed& e) {
    const std::string message = fmt::format("compare.match: steps{} cannot be timed: {}",
                                            setting.empty() ? "" : " at " + setting, e.what());
    if (reported_.insert(message).second) problems_.add(match_.place, message);
    return std::nullopt;
  }
}

std::optional<Matcher::Answer> Matcher::by_formula(const TrialConfig& point, const VariantEntry& variant,
                                                   const std::string& setting) {
  const auto spent = [&](const TrialConfig& trial) { return formula(trial, match_.options.budget); };
  const TrialConfig trial = with_variant(point, variant, registry_, problems_);
  const std::optional<double> target = spent(reference_trial_), as_it_is = spent(trial);
  if (!target || !as_it_is) return std::nullopt;  // refused already: the model cannot be built
  Answer answer{{}, {"", 0, *target, *as_it_is}};
  if (is_reference(variant) || *as_it_is == *target) return answer;
  if (is_met(answer.matched) && has_nothing_to_tune(match_, trial, variant, registry_)) return answer;
  const std::optional<SearchRange> m = option_to_tune(match_, trial, variant, registry_, problems_);
  if (!m) return std::nullopt;
  const std::vector<Try> tries =
      search_nearest(*target, m->first, m->last, [&](Index value) -> std::optional<double> {
        const auto moved = with_value(point, variant, m->tunable, value, registry_);
        return moved ? spent(*moved) : std::nullopt;
      });
  if (!tries.empty() && std::abs(tries[0].value - *target) < std::abs(*as_it_is - *target))
    answer = {m->tunable, {m->tunable.path, tries[0].at, *target, tries[0].value}};
  if (is_met(answer.matched)) return answer;
  refuse(point, variant, m->tunable, *target, tries, setting);
  return std::nullopt;
}

// A time is never the same twice, so what meets the budget as it is stays so, and what was found is kept.
std::optional<Matcher::Answer> Matcher::by_measuring(const TrialConfig& point, const VariantEntry& variant,
                                                     const std::string& setting) {
  const TrialConfig &reference = reference_trial_, trial = with_variant(point, variant, registry_, problems_);
  const double target = step_time_of(reference, setting);
  if (is_reference(variant)) return Answer{{}, {"", 0, target, target}};
  const auto given = match_.adjust.find(trial.variant);
  const std::string key =
      hash_of(shape_of(reference) + shape_of(trial) + (given == match_.adjust.end() ? "" : given->second));
  const auto known = [&]() -> std::optional<Answer> {
    const Matched* m = times_->find(key);
    if (!m || !is_met(*m)) return std::nullopt;  // the tolerance is smaller than it was
    if (m->option.empty()) return Answer{{}, *m};
    const std::vector<Tunable> tunables = tunables_of(trial, registry_);
    const Tunable* tunable = find_tunable(tunables, m->option);
    return tunable ? std::optional(Answer{*tunable, *m}) : std::nullopt;
  };
  if (auto answer = known()) return answer;
  times_->say(fmt::format("Timing steps of {}{} beside {} (compare.match: step_time) ...", trial.variant,
                          setting.empty() ? "" : " at " + setting, reference.variant));
  const auto spent = [&](const TrialConfig& moved, bool with_care) -> std::optional<double> {
    if (!formula(moved, "parameters")) return std::nullopt;  // there is no such model
    const auto [here, there] = times_->time(reference, moved, with_care ? kCarefulRounds : kRounds);
    return target * there / here;
  };
  Answer answer{{}, {"", 0, target, spent(trial, true).value_or(0)}};
  if (!is_met(answer.matched)) {
    const std::optional<SearchRange> m = option_to_tune(match_, trial, variant, registry_, problems_);
    if (!m) return std::nullopt;
    const auto measure = [&](Index value, bool with_care) -> std::optional<double> {
      const auto moved = with_value(point, variant, m->tunable, value, registry_);
      return moved ? spent(*moved, with_care) : std::nullopt;
    };
    const Try own = {own_size(point, variant, trial, *m), answer.matched.reached};
    const MeasuredSearch search =
        search_measured(target, match_.options.tolerance, own, m->first, m->last, measure);
    if (!search.found) {
      refuse(point, variant, m->tunable, target, search.tries, setting);
      return std::nullopt;
    }
    answer = {m->tunable, {m->tunable.path, search.found->at, target, search.found->value}};
  }
  const FileLock lock = times_->lock();
  times_->read();
  if (auto earlier = known()) return earlier;  // of another process in this directory
  times_->add(key, answer.matched);
  return answer;
}

// A default that follows from other options is the number that makes as many parameters.
Index Matcher::own_size(const TrialConfig& point, const VariantEntry& variant, const TrialConfig& trial,
                        const SearchRange& range) {
  const Index own = value_of(range.tunable, trial);
  if (own >= range.first) return std::min(own, range.last);
  const std::vector<Try> tries =
      search_nearest(formula(trial, "parameters").value_or(0), range.first, range.last,
                     [&](Index value) -> std::optional<double> {
                       const auto moved = with_value(point, variant, range.tunable, value, registry_);
                       return moved ? formula(*moved, "parameters") : std::nullopt;
                     });
  return tries.empty() ? range.first : tries[0].at;
}

// Measured once, for all variants that are compared with it.
double Matcher::step_time_of(const TrialConfig& reference, const std::string& setting) {
  const std::string key = hash_of(shape_of(reference));
  if (const Matched* known = times_->find(key)) return known->target;
  times_->say(fmt::format("Timing steps of {}{} (compare.match: step_time) ...", reference.variant,
                          setting.empty() ? "" : " at " + setting));
  const double target = times_->time(reference, reference, kCarefulRounds).first;
  const FileLock lock = times_->lock();
  times_->read();
  if (const Matched* known = times_->find(key)) return known->target;
  times_->add(key, {"", 0, target, target});
  return target;
}

// A last stage must not be smaller than those before it.
bool Matcher::can_grow(const TrialConfig& trial) const {
  if (trial.grow.empty()) return true;
  const auto task = task_of(trial, registry_);
  return refuse_stages(stages_of(trial, *task), registry_).empty();
}

std::optional<double> Matcher::formula(const TrialConfig& trial, const std::string& budget) {
  try {
    if (!can_grow(trial)) return std::nullopt;
    const Estimate e = estimator_(trial);
    if (budget == "parameters") return static_cast<double>(e.parameters);
    if (budget == "step_time") return e.forward_flops;  // what its time depends on
    return budget == "train_flops" ? e.training_flops : e.state_bytes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

// What an answer depends on: of the training only what is part of the budget.
std::string Matcher::shape_of(const TrialConfig& trial) const {
  TrialConfig shape = trial;
  shape.variant.clear();
  shape.save = {};
  shape.train = {};
  if (match_.options.budget != "step_time") shape.method = {};
  for (PluginOrigin& p : shape.plugins) p = {p.name, "", "", "", p.hash};  // wherever it lies
  if (match_.options.budget == "train_flops") {
    shape.train.batch = trial.train.batch;
    shape.train.steps = trial.train.steps;
    shape.train.warmup = trial.train.warmup;  // which steps must not fall below
  } else if (match_.options.budget == "step_time") {
    shape.train.batch = trial.train.batch;
    shape.train.micro_batch = trial.train.micro_batch;
  }
  return to_config(shape).canonical();
}

// Tries a few values: many are impossible, as heads that do not divide the model's width.
bool Matcher::changes_budget(const TrialConfig& point, const VariantEntry& variant, const Tunable& tunable) {
  const TrialConfig trial = with_variant(point, variant, registry_, problems_);
  const std::optional<double> as_it_is = formula(trial, match_.options.budget);
  const Index own = value_of(tunable, trial);
  for (const Index value : {own + 1, 2 * own, own / 2, Index{1}, Index{2}}) {
    const auto moved = with_value(point, variant, tunable, value, registry_);
    const auto spent = moved ? formula(*moved, match_.options.budget) : std::nullopt;
    if (spent && spent != as_it_is) return true;
  }
  return false;
}

void Matcher::refuse(const TrialConfig& point, const VariantEntry& variant, const Tunable& tunable,
                     double target, const std::vector<Try>& tries, const std::string& setting) {
  const TrialConfig trial = with_variant(point, variant, registry_, problems_);
  std::vector<std::string> others;
  for (const Tunable& t : tunables_of(trial, registry_))
    if (t.path != tunable.path && changes_budget(point, variant, t)) others.push_back(t.name());
  problems_.add(
      match_.place,
      fmt::format("compare.match: {}{}{} cannot be given the {} {} of {} within {:g} %: {} Allow a larger "
                  "tolerance{}{}.",
                  trial.variant, setting.empty() ? "" : " at ", setting, grouped(target),
                  unit_of(match_.options.budget), reference_->label, 100 * match_.options.tolerance,
                  what_was_tried(tries, tunable.path, target),
                  others.empty() ? "" : ", or name another option in adjust: ", fmt::join(others, ", ")));
}

}  // namespace heed
